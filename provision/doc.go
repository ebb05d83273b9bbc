// Package provision sets up a Substrate world: a Lima VM in which a socket-activated agent listens, reachable through one
// UNIX socket and nothing else. It creates the world, completes a half-made one in place, and proves by connecting that it
// works; run again on a healthy world it changes nothing.
//
// A [Spec] says which world is wanted. A [Setup] observes what is there ([State]), makes a [Plan] from both, carries it
// out step by step, and observes and proves again ([Health]):
//
//	Spec ─┐
//	State ┴─► Plan ─► steps ─► Health
//
// The same loop serves a first setup, a rerun, a repair and a replacement. [Setup.Run] does all of it, [Setup.Plan] stops
// before the first change, and [Setup.Status] observes and proves, and changes nothing. [Setup.Restore] brings back a VM
// that was kept when it was replaced, and [Setup.Remove] takes a world away.
//
// The rules are: this package prints nothing, asks nobody, reads no flags and never exits. What happens is told as a
// stream of [Event] values. Nothing is called ready that was not proven in this very run. No VM is done away with unless
// somebody consented by its name (Spec.Replace), and then only after another one was proven in its place: see
// docs/decisions/0005; otherwise the run ends with an [Error] of [KindReplacement]. All errors that callers get are an [*Error].
package provision
