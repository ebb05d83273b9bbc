package provision_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// life is one kind of run that may be killed.
type life struct {
	name    string
	prepare func(*testing.T) *bench
	do      func(*bench, *testing.T) error
	// again: the next run is one time a plain one, and one time the same again.
	again bool
	// gone: it is about taking the world away, so that there need not be one.
	gone bool
}

var lives = []life{
	{name: "create", prepare: creating, do: (*bench).runErr, gone: true},
	{name: "repair", prepare: damaged, do: (*bench).runErr},
	{name: "replace", prepare: replacing, do: (*bench).runErr, again: true},
	{name: "replace and keep", prepare: keeping, do: (*bench).runErr},
	{name: "replace a stopped one", prepare: stopped, do: (*bench).runErr},
	{name: "restore", prepare: kept, do: (*bench).restoreErr, again: true},
	{name: "restore and keep", prepare: keptTwice, do: (*bench).restoreErr},
	{name: "remove", prepare: kept, do: (*bench).removeErr, again: true, gone: true},
}

// TestKilled: SIGKILL before, in the middle of and right after everything that a run does to the world. There is always
// an old world or a new one; the next run, whatever it is asked for, ends with one that is verified, and knows all that
// was left.
func TestKilled(t *testing.T) {
	count := 0
	for _, life := range lives {
		for _, point := range points(t, life.prepare, life.do) {
			count++
			t.Run(life.name+"/"+point.String(), func(t *testing.T) {
				t.Parallel()
				for _, next := range []string{"run", "same"} {
					if next == "same" && !life.again {
						continue
					}
					b := life.prepare(t)
					b.kill(t, life, point)
					b.carriesOn(t, life, next)
				}
			})
		}
	}
	if count < 60 {
		t.Errorf("there were %d points", count)
	}
	t.Logf("%d points", count)
}

// TestKilledTwice: the rollback of a replacement that has failed may be killed as well.
func TestKilledTwice(t *testing.T) {
	failing := life{name: "rollback", prepare: replacing, do: func(b *bench, t *testing.T) error {
		b.BeforeGuest = func(name string) error {
			if name == "Activate" && len(b.marked(t)) > 0 {
				return errors.New("the agent does not answer")
			}
			return nil
		}
		defer func() { b.BeforeGuest = nil }()
		if err := b.run(t); err == nil {
			return errors.New("nothing failed")
		}
		return nil
	}}
	for _, point := range points(t, failing.prepare, failing.do) {
		t.Run(point.String(), func(t *testing.T) {
			t.Parallel()
			b := replacing(t)
			b.chaos = &chaos{World: b.World, at: point, dies: true}
			_ = failing.do(b, t)
			b.chaos = nil
			b.wantVM(t)
			b.carriesOn(t, failing, "run")
		})
	}
}

// marked are the instances that were made to replace another and were not verified.
func (b *bench) marked(t *testing.T) []string {
	t.Helper()
	marks, err := filepath.Glob(filepath.Join(b.spec.LimaHome, "*", "worldsetup-unproven"))
	if err != nil {
		t.Fatal(err)
	}
	return marks
}

// kill has the run die at point.
func (b *bench) kill(t *testing.T, life life, point point) {
	t.Helper()
	b.chaos = &chaos{World: b.World, at: point, dies: true}
	if err := life.do(b, t); err == nil {
		t.Error("it was killed, and reports that all is well")
	}
	b.chaos = nil
	if !life.gone {
		b.wantVM(t)
	}
}

// wantVM wants there to be a whole VM that was a world, under one of the names that the next run knows.
func (b *bench) wantVM(t *testing.T) {
	t.Helper()
	for _, name := range []string{"substrate", "substrate.ws-old", "substrate.ws-back"} {
		whole := true
		for _, file := range []string{"lima.yaml", "disk"} {
			_, err := os.Stat(filepath.Join(b.spec.LimaHome, name, file))
			whole = whole && err == nil
		}
		if whole && (b.VM(name).HasFile("/etc/substrate-lima-layout") || b.VM(name).HasFile("/root/words")) {
			return
		}
	}
	t.Error("there is neither old nor new")
}

// carriesOn wants the next run to end as it should: a plain one, or the same command once more.
func (b *bench) carriesOn(t *testing.T, life life, next string) {
	t.Helper()
	if next == "same" {
		err := life.do(b, t)
		failure, ok := errors.AsType[*provision.Error](err)
		if err != nil && !(ok && failure.Kind == provision.KindUsage && failure.Next != "") {
			t.Fatalf("%s: %v", next, err) // that there is nothing to restore, or one is kept already, shows the way out
		}
	}
	b.spec.Replace, b.spec.KeepOld = "", false
	b.mustRun(t)
	if plan, err := b.setup().Plan(t.Context()); err != nil || !plan.Empty() {
		t.Errorf("%s: the run after the next would do %+v, %v", next, plan, err)
	}
	b.nothingElse(t)
	if _, err := os.Lstat(filepath.Join(b.VMDir("substrate"), "protected")); err != nil {
		t.Errorf("%s: it is not protected: %v", next, err)
	}
	if life.again {
		b.removable(t)
	}
}

// nothingElse wants Lima's home to hold the world and perhaps a kept one.
func (b *bench) nothingElse(t *testing.T) {
	t.Helper()
	if len(b.marked(t)) > 0 {
		t.Errorf("unverified: %v", b.marked(t))
	}
	if _, err := os.Stat(b.VMDir(oldVM)); err == nil {
		b.only(t, "substrate", oldVM)
	} else {
		b.only(t, "substrate")
	}
}

// removable wants all of it to go when someone consents.
func (b *bench) removable(t *testing.T) {
	t.Helper()
	if err := b.removeErr(t); err != nil {
		t.Error(err)
	}
	b.only(t)
}

func creating(t *testing.T) *bench {
	b := replacing(t)
	if err := b.removeErr(t); err != nil {
		t.Fatal(err)
	}
	b.spec.Replace = ""
	return b
}

func damaged(t *testing.T) *bench {
	b := replacing(t)
	b.spec.Replace, b.spec.CPUs = "", 3
	b.VM("substrate").Remove(layout.AgentV1.Agent(), guest.MarkerPath)
	b.VM("substrate").Chmod(guest.SocketPath, 0o666)
	return b
}

func keeping(t *testing.T) *bench {
	b := replacing(t)
	b.spec.KeepOld = true
	return b
}

func stopped(t *testing.T) *bench {
	b := replacing(t)
	b.stop(t)
	return b
}

func kept(t *testing.T) *bench {
	b := keeping(t)
	b.mustRun(t)
	b.spec.KeepOld = false
	return b
}

func keptTwice(t *testing.T) *bench {
	b := kept(t)
	b.spec.KeepOld = true
	return b
}

// restoreErr restores with consent.
func (b *bench) restoreErr(t *testing.T) error {
	t.Helper()
	setup := b.setup()
	setup.Spec.Restore = "substrate"
	_, err := setup.Restore(t.Context())
	return err
}

// removeErr removes with consent.
func (b *bench) removeErr(t *testing.T) error {
	t.Helper()
	setup := b.setup()
	setup.Spec.Remove = "substrate"
	return setup.Remove(t.Context())
}
