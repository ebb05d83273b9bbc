package fake

import (
	"context"
	"errors"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Faults are what limactl does wrong. Verbs are "version", "list", "validate", "create", "start", "stop", "delete",
// "edit" and "shell".
type Faults struct {
	NotInstalled bool
	// Garbage has the questions (version and list) answered with something that is none.
	Garbage bool
	// Fail gives a verb the fatal message by which it fails. A failed create leaves its directory behind, as a failed
	// download does; a failed start leaves the VM stopped.
	Fail map[string]string
	// Hang has a verb give no answer until the caller's context ends. A start hangs until then before ssh answers, and
	// a "start-late" after it; like the real one, it leaves the VM running.
	Hang map[string]bool
	// Kill ends a verb with exit status 137, as the kernel's killing it for its memory looks through a shell.
	Kill map[string]bool
	// TornRename is after how many files a rename is killed; 0 means never.
	TornRename int
}

// errHang is the reason for ending what hung for longer than the Patience of the World.
var errHang = errors.New("the fake's patience with something that hangs is over")

// hang waits until ctx ends, or for as long as the World is patient, and returns why it ended.
func (w *World) hang(ctx context.Context) error {
	if w.options.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.options.Patience, errHang)
		defer cancel()
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// fault does what is wrong with verb, if something is; done says that nothing else is to be done.
func (w *World) fault(ctx context.Context, verb string, c *console) (done bool, err error) {
	switch {
	case w.Faults.NotInstalled:
		return true, &lima.NotInstalledError{Name: "limactl", Err: errors.New("executable file not found in $PATH")}
	case ctx.Err() != nil:
		return true, context.Cause(ctx)
	case w.Faults.Kill[verb]:
		c.exit = 137
		return true, nil
	case w.Faults.Hang[verb] && verb != "start":
		return true, w.hang(ctx)
	case w.Faults.Garbage && (verb == "version" || verb == "list"):
		c.stdout.WriteString("<html>Welcome to the hotel's wireless network</html>\n")
		return true, nil
	case w.Faults.Fail[verb] != "" && verb != "create" && verb != "start":
		return true, fatal(w.Faults.Fail[verb])
	}
	return false, nil
}
