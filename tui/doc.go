// Package tui is the wizard: the screens of a run on a terminal, from the prerequisites over the plan and the progress to
// the health of the world.
//
// One root model routes; a page per screen writes its lines and offers what can be done on it; the keys and the help both
// come from those offers. What the engine tells is folded into one story, in one place, and every page reads that.
//
// The rules are: this package acts through an Engine and in no other way. Update does no I/O, View is a pure function of
// the model. Log lines never travel as messages: the engine puts them into a mailbox that one tick empties. Nothing is told
// by colour alone, and foreign text passes through internal/plaintext before it is shown. How a run went is a field of the
// Outcome: that the program ended without an error says nothing.
package tui
