// Package staging copies a project into a guest that mounts nothing, and finds out what of such a copy is out of date.
// It knows names, the order of things and the form of what goes over the connection; it knows no engine and no VM.
//
// The protocol is:
//
//  1. [Walk] lists the project: names, types, sizes, times, modes. Names in [Excluded] are left out at any level, with
//     all that is in them. Symbolic links are listed as what they are, and never followed; nothing outside of the
//     project is read, but for the HEAD of a git checkout whose directory is elsewhere (a linked worktree, or one
//     above).
//  2. The guest lists the copy in the same way (staged.sh), which [Listing] reads.
//  3. [Compare] returns the [Delta]: what has to be removed from the copy, and what has to be sent.
//  4. The guest makes a new copy beside the old one (stage.sh begin). It shares the files with the old one by hard
//     links, and lacks what is in [Delta.Remove]: that is whatever is sent, too, so that no file of the old copy is
//     ever written to, and no link in it is followed. What is excluded stays in the guest as it is, such as a target
//     directory.
//  5. [Delta.Write] writes one tar stream, which the guest unpacks into the new copy as the user (stage.sh end). The
//     manifest is its last member: a copy without one is not whole.
//  6. The guest exchanges the two copies by one rename, and removes the old one.
//
// A cancelled or killed run leaves the old copy in its place; what it left beside that is removed by the next one.
//
// Hard links in the project become files of their own, and the bits setuid, setgid and sticky are not copied. Sockets,
// pipes and devices are skipped, and named. A file that changes while it is read is copied up to the size that it had
// when it was opened; where it has become shorter, zeros take the place of the rest. It is named, and found to be out
// of date the next time, since its time has changed.
//
// What is kept in memory is the two lists, some hundred bytes for each file, and a buffer of a file's content.
package staging
