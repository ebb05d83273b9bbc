// Package checks finds out whether a machine can hold a world, before anything is changed on it.
//
// A [Check] is a value: an id, a title, what it requires, a deadline, and a probe that looks and reports. [Run] runs a
// list of them side by side; [List] is the list of worldsetup. Adding a check is writing its constructor and putting it
// there.
//
// The rules are: a probe changes nothing, not even for a moment, and leaves nothing behind. Whatever failed says what
// happened, why, and what to do, with the command to type. A check that cannot find out is Unknown, never OK. A failure
// that follows from another one is Skipped, so that only causes are shown. This package knows no terminal.
package checks
