//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/atomize-hq/worldsetup/e2e/perf"
	"github.com/atomize-hq/worldsetup/provision"
)

// growth is something that can become large, and small again at once.
type growth struct {
	what  string
	make  func() error // once
	large func() error
	small func() error
}

// growthRows are about what commands cost when something has become large.
func (p *benched) growthRows() (rows []perf.Row) {
	for _, g := range []growth{p.guestFiles(), p.otherVMs(), p.projectFiles(), p.ownLog(), p.vmLogs()} {
		made := false
		become := func(size func() error) func() error {
			return func() error {
				if !made {
					made = true
					if err := g.make(); err != nil {
						return err
					}
				}
				return size()
			}
		}
		row := func(name string, run func() error) perf.Row {
			return perf.Row{Group: "growth", What: name + ", " + g.what, Against: "without", Target: 1.1,
				Ours: perf.After(become(g.large), func() (float64, error) {
					took, err := perf.Time(run)()
					return took, errors.Join(err, g.small())
				}),
				Other: perf.After(become(g.small), perf.Time(run))}
		}
		rows = append(rows, row("`status`", p.status()), row("rerun", p.again()))
	}
	return rows
}

// guestFiles is a guest with 200,000 files, in the user's home and where the agent keeps its state.
func (p *benched) guestFiles() growth {
	const each = `home=$(eval echo "~$SUDO_USER")
for place in "$home/.substrate/many" /var/lib/substrate/many; do
  stored=/var/stored$(dirname "$place")/many
`
	return growth{what: "200,000 files in the guest",
		make:  p.inGuest(each + `mkdir -p "$stored" && (cd "$stored" && seq 1 100000 | xargs touch); done`),
		large: p.inGuest(each + `if [ -d "$stored" ]; then mv "$stored" "$place"; fi; done`),
		small: p.inGuest(each + `if [ -d "$place" ]; then mv "$place" "$stored"; fi; done`)}
}

// otherVMs is a Lima home with 200 other instances, stopped.
func (p *benched) otherVMs() growth {
	const many = 200
	move := func(from, to string) func() error {
		return func() (err error) {
			for i := range many {
				name := fmt.Sprintf("other-%d", i)
				old := filepath.Join(p.dir, from, name)
				if exists(old) {
					err = errors.Join(err, os.Rename(old, filepath.Join(p.dir, to, name)))
				}
			}
			return err
		}
	}
	return growth{what: "200 other VMs in the Lima home",
		make: func() error {
			config, err := os.ReadFile(filepath.Join(p.dir, vm, "lima.yaml"))
			if err != nil {
				return err
			}
			for i := range many {
				dir := filepath.Join(p.dir, "_stored", fmt.Sprintf("other-%d", i))
				p.write(p.b, filepath.Join(dir, "lima.yaml"), string(config))
				p.write(p.b, filepath.Join(dir, "lima-version"), p.rig.host.Version)
			}
			return nil
		},
		large: move("_stored", ""), small: move("", "_stored")}
}

// projectFiles is a project with a million files. They are hard links: 1000 directories of 1000.
func (p *benched) projectFiles() growth {
	many, stored := filepath.Join(p.project, "many"), filepath.Join(p.files(), "many-stored")
	rename := func(from, to string) func() error {
		return func() error {
			if !exists(from) {
				return nil
			}
			return os.Rename(from, to)
		}
	}
	return growth{what: "1,000,000 files in the project",
		make: func() error {
			var group sync.WaitGroup
			errs := make([]error, 1000)
			work := make(chan int)
			for range 4 {
				group.Go(func() {
					for i := range work {
						errs[i] = linked(filepath.Join(stored, fmt.Sprint(i)), 1000)
					}
				})
			}
			for i := range errs {
				work <- i
			}
			close(work)
			group.Wait()
			return errors.Join(errs...)
		},
		large: rename(stored, many), small: rename(many, stored)}
}

// linked makes a directory with many names of one file.
func linked(dir string, many int) error {
	first := filepath.Join(dir, "0.go")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(first, []byte("package many\n"), 0o644)); err != nil {
		return err
	}
	for i := range many - 1 {
		if err := os.Link(first, filepath.Join(dir, fmt.Sprintf("%d.go", i+1))); err != nil {
			return err
		}
	}
	return nil
}

// ownLog is a log of worldsetup's own of 1 GB, as a version without a limit would have left it. A run makes a new one.
func (p *benched) ownLog() growth {
	log := provision.LogPath(provision.Spec{
		VM: vm, LimaHome: p.dir, StateDir: filepath.Join(p.userHome(), ".local", "state", "worldsetup")})
	stored := filepath.Join(p.files(), "own-log")
	return growth{what: "a log of our own of 1 GB",
		make: func() error { return p.longer(stored, nil) },
		large: func() error {
			_ = os.Remove(log + ".old") // another name of the large file: a rename to that would do nothing
			return errors.Join(replaceBy(stored, log), checkSize(stored))
		},
		small: func() error { return errors.Join(os.RemoveAll(log), os.RemoveAll(log+".old"), checkSize(stored)) }}
}

// vmLogs are logs of the VM of 1 GB each: those of Lima's host agent and the console's.
func (p *benched) vmLogs() growth {
	names := []string{"ha.stderr.log", "serial.log"}
	path := func(name, suffix string) string { return filepath.Join(p.dir, vm, name+suffix) }
	each := func(do func(string) error) func() error {
		return func() (err error) {
			for _, name := range names {
				err = errors.Join(err, do(name))
			}
			return err
		}
	}
	return growth{what: "logs of the VM of 1 GB each",
		make: each(func(name string) error {
			text, err := os.ReadFile(path(name, ""))
			if err != nil {
				return err
			}
			return errors.Join(p.longer(path(name, ".large"), text), os.Link(path(name, ""), path(name, ".small")))
		}),
		large: each(func(name string) error { return replaceBy(path(name, ".large"), path(name, "")) }),
		small: each(func(name string) error { return replaceBy(path(name, ".small"), path(name, "")) })}
}

const large = 1 << 30

// longer writes a file of 1 GB that ends with a text.
func (p *benched) longer(path string, end []byte) error {
	line := []byte(`{"level":"info","msg":"[hostagent] a line of the usual length, one of very many",` +
		`"time":"2026-01-01T00:00:00Z"}` + "\n")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	block := bytes.Repeat(line, 1<<20/len(line))
	for size := 0; size < large; size += len(block) {
		if _, err := file.Write(block); err != nil {
			return err
		}
	}
	_, err = file.Write(end)
	return errors.Join(err, file.Chown(int(p.rig.host.User.UID), int(p.rig.host.User.GID)), file.Chmod(0o600))
}

// replaceBy makes a path one more name of a file.
func replaceBy(file, path string) error {
	_ = os.Remove(path) // it may not be there
	return os.Link(file, path)
}

// checkSize fails when what is measured has changed the large file itself.
func checkSize(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() < large {
		err = fmt.Errorf("%s has %d bytes now", path, info.Size())
	}
	return err
}
