// Package devhost makes a Linux machine able to run a real Lima VM: for `make world` and for the end-to-end tests.
//
// The rules are:
//   - What is there already is used and left as it is; only what is missing is installed, and every step reports
//     what it does.
//   - Lima refuses to run as root. On a root account everything around the VM runs as an ordinary user that is made
//     once.
//   - Software emulation is chosen only where the processor or the user can't use KVM, and it is reported.
//   - Whatever is built lands in the cache under a name that holds the hash of its recipe, by rename, when it is
//     complete.
//
// It is for developers' machines and CI: nothing of it is part of the worldsetup program.
package devhost
