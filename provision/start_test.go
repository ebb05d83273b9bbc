package provision_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// TestWhyTheVMDidNotStart: the reason is in the log of Lima's host agent, and the advice fits it.
func TestWhyTheVMDidNotStart(t *testing.T) {
	const qemu = `{"level":"debug","msg":"qemu[stderr]: qemu-system-x86_64: `
	for line, words := range map[string][]string{
		qemu + `-device virtio-vga: 'virtio-vga' is not a valid device model name"}`: {
			"'virtio-vga' is not a valid", "lacks a part"},
		qemu + `Failed to get \"write\" lock"}`:                                    {`Failed to get "write" lock`, "fuser"},
		qemu + `Could not set up host forwarding rule 'tcp:127.0.0.1:60022-:22'"}`: {"60022", "lsof"},
		qemu + `cannot set up guest memory 'pc.ram': Cannot allocate memory"}`:     {"pc.ram", "--memory"},
		qemu + `Could not access KVM kernel module: Permission denied"}`:           {"KVM", "worldsetup check"},
		`{"level":"fatal","msg":"could not find firmware for x86_64"}`:             {"firmware", "worldsetup check"},
		`{"level":"error","msg":"no known thing"}`:                                 {"no known thing", "repair what"},
	} {
		for _, existing := range []bool{false, true} {
			b := newBench(t)
			if existing {
				b.mustRun(t)
				b.stop(t)
			}
			b.Faults.Fail = map[string]string{"start": "exiting, status={Running:false}"}
			b.Before = func(args []string) error {
				if slices.Contains(args, "start") {
					log := filepath.Join(b.VMDir("substrate"), "ha.stderr.log")
					return os.WriteFile(log, []byte(line+"\n"), 0o600)
				}
				return nil
			}
			err := b.run(t)
			wantKind(t, err, provision.KindProvisioning, append(words, "exiting, status", "ha.stderr.log")...)
			if strings.Contains(err.Error(), "--replace") {
				t.Errorf("a replacement is advised: %v", err)
			}
		}
	}
}
