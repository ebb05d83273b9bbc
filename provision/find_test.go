package provision

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
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
			failure, ok := errors.AsType[*Error](err)
			return instance == nil && ok && failure.Kind == KindUnhealthy
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
		o := observer{lima: client, place: vmswap.Place{Home: home, VM: "w", Lima: client}}
		if instance, err := o.find(t.Context()); !test.check(instance, err) {
			t.Errorf("%s: %+v, %v", name, instance, err)
		}
	}
}

// TestSocketOfAnother: a forwarded socket that another user owns is not the agent's, whatever answers there.
func TestSocketOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "substrate.sock")
	if why := otherOwner(path, os.Getuid()); why != "" {
		t.Errorf("one that isn't there %s", why)
	}
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if why := otherOwner(path, os.Getuid()); why != "" {
		t.Errorf("our own %s", why)
	}
	owner := otherOwner(path, os.Getuid()+1)
	s := State{HostSocketOwner: owner, Guest: &guest.Observation{SessionGroups: []string{guest.GroupName}}}
	reasons := connectionReasons(s)
	if owner == "" || len(reasons) != 1 || !strings.HasSuffix(reasons[0], owner) {
		t.Errorf("another user's: %q, %q", owner, reasons)
	}
}
