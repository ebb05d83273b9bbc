// Package cargo reads a Cargo workspace, as far as it takes to know whether a package of it can be built as it is locked,
// and which toolchain that takes.
//
// The rules are: nothing is run and nothing is written, so that the question can be asked on a machine without Rust; and
// what cannot be told from the files is left to cargo itself.
package cargo
