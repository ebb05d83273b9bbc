// Package fake is a small Lima with its guests in memory, for unit tests and the demo.
//
// It stands behind the two edges of the engine: a [World] is a lima.Runner that understands the calls of limactl that
// provision/lima makes, and [World.Guest] gives a guest.Client. It holds state and knows nothing of the scripts that
// change a real guest: those are tested where they run, on the test bed and on real VMs.
//
// The rules are: what is not modelled is an error that names it, never a silent success. Nothing sleeps; what would
// hang for good hangs until the caller's context ends, or for [Options].Patience. The host's side is real (a directory
// as Lima's home, UNIX sockets that can be dialled), the guest's side is memory. Everything may be called from several
// goroutines; exported fields are set between calls.
package fake
