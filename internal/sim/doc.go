// Package sim is a Lima and its guests in memory: what package provision drives, without a machine.
//
// It stands behind the two edges of the engine. [World] is a lima.Runner that understands the calls of limactl that
// provision/lima makes, and [World.Guest] gives transports that understand the scripts of package embed. It behaves as Lima
// and real guests were measured to behave, traps included: groups that do not reach a session that is open already, mounts
// that vanish without a word, a failing boot script that Lima calls a success, a VM that "runs" and lets nobody in.
//
// The rules are: what is not modelled is an error that names it, never a silent success. Nothing sleeps; what would hang
// for good hangs until the caller's context ends, or for [Options].Patience. The host's side is real (a directory as Lima's
// home, UNIX sockets that can be dialled), the guest's side is memory. Everything may be called from several goroutines;
// exported fields are set between calls.
//
// The Go text of a guest script mirrors the script of the same name in embed/guest; a test holds the two together.
package sim
