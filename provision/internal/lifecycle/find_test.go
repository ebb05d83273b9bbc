package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// printed is a limactl that prints one text.
type printed string

func (p printed) Run(context.Context, lima.Command) (lima.Result, error) {
	return lima.Result{Stdout: []byte(p)}, nil
}

// TestFindAmongNewerLimas: from 2.2 on, limactl lists a directory that is no VM as one that is broken, with an error
// that is an object.
func TestFindAmongNewerLimas(t *testing.T) {
	for name, test := range map[string]struct {
		files []string
		check func(instance *limatype.Instance, err error) bool
	}{
		"an empty directory": {nil, func(instance *limatype.Instance, err error) bool {
			return instance == nil &&
				err == nil
		}},
		"a directory with a disk": {[]string{"disk"}, func(instance *limatype.Instance, err error) bool {
			failure, ok := errors.AsType[*finding.Error](err)
			return instance == nil && ok && failure.Kind == finding.KindUnhealthy
		}},
		"a configuration that can't be read": {
			[]string{"lima.yaml"}, func(instance *limatype.Instance, err error) bool {
				return err == nil && instance != nil && len(instance.Errors) == 1
			},
		},
	} {
		home := t.TempDir()
		dir := filepath.Join(home, "w")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range test.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		list := printed(fmt.Sprintf(`{"name":"w","status":"Broken","dir":%q,"errors":[{"Op":"open","Path":%q,"Err":2}]}`+"\n",
			dir, filepath.Join(dir, "lima.yaml")))
		client := lima.Client{Runner: list}
		v := VM{Place: vmswap.Place{Home: home, VM: "w", Lima: client}}
		if instance, err := v.Find(t.Context()); !test.check(instance, err) {
			t.Errorf("%s: %+v, %v", name, instance, err)
		}
	}
}
