//go:build e2e

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/perf"
)

const bareVM = "bare"

// vmRows are about making and replacing whole VMs. They have Lima homes of their own.
func (p *benched) vmRows() []perf.Row {
	rows := []perf.Row{
		p.creation("first creation", suite.rigs[0]),
		p.creation("first creation, packages missing", p.lacking()),
		p.replacement(),
	}
	for i := range rows {
		rows[i].Group, rows[i].Turns = "vms", p.turnsOfBoots()
	}
	return rows
}

// lacking is a rig whose guest lacks the packages; nil for none.
func (p *benched) lacking() *rig {
	for _, rig := range suite.rigs {
		if strings.HasSuffix(strings.Fields(rig.name)[0], "-ubuntu") {
			return rig
		}
	}
	return nil
}

// creation is a first setup against a bare start.
func (p *benched) creation(what string, rig *rig) perf.Row {
	row := perf.Row{What: what, Against: "bare `limactl start`", Target: 1.02}
	if rig == nil {
		row.Ours = func() (float64, error) {
			return 0, errors.New("it needs a guest without the packages, such as trixie-ubuntu")
		}
		return row
	}
	var fresh *benched
	same := ""
	row.Ours = func() (float64, error) {
		if fresh == nil {
			var err error
			if fresh, err = p.elsewhere(rig); err != nil {
				return 0, err
			}
			same = filepath.Join(fresh.files(), "same.yaml")
		}
		took, err := perf.Time(fresh.again())()
		if err != nil {
			return 0, err
		}
		profile, err := os.ReadFile(filepath.Join(fresh.dir, vm, "lima.yaml"))
		return took, errors.Join(err, os.WriteFile(same, profile, 0o644), fresh.lima("unprotect", vm)(),
			fresh.lima("delete", "--force", vm)())
	}
	row.Other = func() (float64, error) {
		took, err := perf.Time(fresh.lima("start", "--name", bareVM, same))()
		return took, errors.Join(err, fresh.lima("delete", "--force", bareVM)())
	}
	return row
}

// replacement is a replacement against a stop of the old VM and a start of a new one.
func (p *benched) replacement() perf.Row {
	var fresh *benched
	same := ""
	ready := func() error {
		if fresh != nil {
			return nil
		}
		var err error
		if fresh, err = p.elsewhere(suite.rigs[0]); err != nil {
			return err
		}
		if err := fresh.again()(); err != nil {
			return err
		}
		profile, err := os.ReadFile(filepath.Join(fresh.dir, vm, "lima.yaml"))
		same = filepath.Join(fresh.files(), "same.yaml")
		return errors.Join(err, os.WriteFile(same, profile, 0o644), fresh.lima("start", "--name", bareVM, same)())
	}
	bare := 0
	return perf.Row{
		What: "`worldsetup --replace=substrate`", Against: "bare `limactl stop` and `start` of a new one", Target: 1.05,
		Ours: perf.After(ready, func() (float64, error) {
			return perf.Time(fresh.again("--replace", vm))()
		}),
		Other: perf.After(ready, func() (float64, error) {
			bare++
			old, next := bareVM, bareVM+"-new"
			if bare%2 == 0 {
				old, next = next, old
			}
			took, err := perf.Time(func() error {
				return errors.Join(fresh.lima("stop", old)(), fresh.lima("start", "--name", next, same)())
			})()
			return took, errors.Join(err, fresh.lima("delete", "--force", old)())
		}),
	}
}

// elsewhere is a Lima home without a VM, for a guest of a rig.
func (p *benched) elsewhere(rig *rig) (*benched, error) {
	home, err := rig.makeHome()
	if err != nil {
		return nil, err
	}
	p.b.Cleanup(home.destroy)
	fresh := &benched{b: p.b, world: &world{limaHome: home}}
	fresh.project = filepath.Join(home.files(), "project")
	fresh.write(p.b, filepath.Join(fresh.project, "read.me"), "hello\n")
	fresh.quiet = []string{"--agent", "builtin", "--profile", rig.profile, fresh.project}
	return fresh, nil
}

// watchRows are about what being watched costs.
func (p *benched) watchRows() []perf.Row {
	const settled = 10 * time.Second // its first observations, which it makes at once, are not the cost of watching
	minute := time.Minute
	var host, guest float64
	measured := false
	measure := func() error {
		if measured {
			return nil
		}
		measured = true
		idle, err := p.guestTime(minute)
		if err != nil {
			return err
		}
		watch := p.command(p.b.Context(), suite.binary, append([]string{"status", "--watch", "--json"}, p.quiet...)...)
		ends, err := firstLine(watch)
		if err != nil {
			return err
		}
		defer ends()
		time.Sleep(settled)
		before := cpuOf(watch.Process.Pid)
		if guest, err = p.guestTime(minute); err != nil {
			return err
		}
		host = (cpuOf(watch.Process.Pid) - before) / minute.Seconds() * 100
		guest = max(0, guest-idle) / minute.Seconds() * 100
		return nil
	}
	row := func(what string, value *float64) perf.Row {
		return perf.Row{Group: "watch", What: what, Unit: "%", Target: 1, Turns: 1, Single: true,
			Ours: perf.After(measure, func() (float64, error) { return *value, nil })}
	}
	return []perf.Row{row("`worldsetup status --watch` on the host", &host), row("the same in the guest", &guest)}
}
