// Package provision sets up a Substrate world: a Lima VM in which a socket-activated agent listens, reachable through
// one UNIX socket and nothing else. It creates the world, completes an incomplete one in place, and verifies by
// connecting that it works. Run again on a healthy world, it changes nothing.
//
// A [Spec] describes the desired world. A [Setup] observes the present one ([State]), makes a [Plan] from both,
// carries it out step by step, and observes and verifies again ([Health]):
//
//	Spec ─┐
//	State ┴─► Plan ─► steps ─► Health
//
// The same loop serves a first setup, a rerun, a repair and a replacement. [Setup.Run] does all of it, [Setup.Plan]
// stops before the first change, and [Setup.Status] observes and verifies, and changes nothing. [Setup.Restore]
// restores a VM that was kept when it was replaced, and [Setup.Remove] deletes a world.
//
// The rules are: this package prints nothing, prompts for nothing, reads no flags and never exits. What happens is
// emitted as a stream of [Event] values. A world is called ready only if it was verified in this very run. A VM that
// shows no sign of a world is not changed without consent by its name (Spec.Adopt): see docs/decisions/0016. No VM is
// deleted without consent by its name (Spec.Replace, Spec.Restore, Spec.Remove): without it, the call ends with an
// [Error] of [KindReplacement]. A VM that is replaced is deleted only after another one was verified in its place: see
// docs/decisions/0005. All errors that callers get are an
// [*Error].
package provision
