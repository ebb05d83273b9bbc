package embed_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// limited is a systemctl that starts no unit for the sixth time before it was asked to forget the other five, and no
// socket beside a service that runs, and stops none that is frozen. A unit runs while there is a file of its name in
// $UNITS.
const limited = `#!/bin/sh
cd "$UNITS" || exit
verb=$1 status=0
shift
for unit; do
    case $verb in
    stop) if [ -e "$unit.frozen" ]; then status=1; else rm -f "$unit"; fi ;;
    thaw) rm "$unit.frozen" ;;
    restart) if [ -e "$unit.frozen" ]; then exit 1; fi; rm -f "$unit" && touch "$unit" "$unit.restarted" ;;
    reset-failed) if [ -e "$unit.starts" ]; then rm "$unit.starts"; else status=1; fi ;;
    start)
        if [ -e "$unit" ]; then continue; fi
        echo >>"$unit.starts"
        beside=no
        case $unit in *.socket) if [ -e substrate-world-agent.service ]; then beside=yes; fi ;; esac
        if [ "$(wc -l <"$unit.starts")" -gt 5 ] || [ "$beside" = yes ]; then
            echo "Job for $unit failed." >&2
            status=1
        else
            touch "$unit"
        fi
        ;;
    esac
done
exit "$status"
`

// answering is a curl that is answered while both units run.
const answering = `#!/bin/sh
cd "$UNITS" && [ -e substrate-world-agent.socket ] && [ -e substrate-world-agent.service ] || exit 7
printf 200
`

// activator runs the script that starts the agent, on this machine, with a systemd of a few lines of shell.
type activator struct{ programs, units, socket string }

func newActivator(t *testing.T) activator {
	t.Helper()
	a := activator{t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "agent.sock")}
	for name, text := range map[string]string{"systemctl": limited, "curl": answering, "journalctl": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(a.programs, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func (a activator) run(t *testing.T, runs string) {
	t.Helper()
	text := strings.ReplaceAll(embed.Activate.Text, "/run/substrate.sock", a.socket)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", text, "activate", "no", "1", runs)
	cmd.Env = append(os.Environ(), "PATH="+a.programs+":"+os.Getenv("PATH"), "UNITS="+a.units, "UNIT="+layout.AgentV1.Unit)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func (a activator) put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.units, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestActivateScriptStartsUnitsThatWereStartedOften(t *testing.T) {
	for _, often := range []string{"socket", "service"} {
		a := newActivator(t)
		a.put(t, "substrate-world-agent."+often+".starts", strings.Repeat("\n", 5))
		a.run(t, "yes")
	}
}

func TestActivateScriptStopsAFrozenService(t *testing.T) {
	a := newActivator(t)
	a.run(t, "no")
	a.put(t, "substrate-world-agent.service.frozen", "")
	a.run(t, "yes")
}

// A connection can start the service before the socket starts again.
func TestActivateScriptStartsASocketBesideItsService(t *testing.T) {
	a := newActivator(t)
	a.put(t, "substrate-world-agent.service", "")
	a.run(t, "no")
}

// Clients of a socket that stays are not refused: it is not even stopped for a moment.
func TestActivateScriptLeavesASocketThatListens(t *testing.T) {
	a := newActivator(t)
	a.run(t, "no")
	if err := os.WriteFile(a.socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(a.units, "substrate-world-agent.socket"))
	if err != nil {
		t.Fatal(err)
	}
	a.run(t, "listens")
	after, err := os.Stat(filepath.Join(a.units, "substrate-world-agent.socket"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the socket was started again: %v", err)
	}
	if _, err := os.Stat(filepath.Join(a.units, "substrate-world-agent.service.restarted")); err != nil {
		t.Errorf("the service was not: %v", err)
	}
	if _, err := os.Stat(a.socket); err != nil {
		t.Errorf("its path is gone: %v", err)
	}
}

// A service that can't be restarted is started with all it needs.
func TestActivateScriptStartsAllWhenARestartFails(t *testing.T) {
	a := newActivator(t)
	a.run(t, "no")
	a.put(t, "substrate-world-agent.service.frozen", "")
	a.run(t, "listens")
	if _, err := os.Stat(filepath.Join(a.units, "substrate-world-agent.service.frozen")); err == nil {
		t.Error("the service was not thawed")
	}
}
