package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// shell runs a guest script through `limactl shell`: [sudo -n --] sh -c TEXT NAME ARGS…
func (w *World) shell(ctx context.Context, c *console, words []string) error {
	name, command := words[0], words[1:]
	vm := w.VM(name)
	if vm == nil {
		return fatalf("instance `%s` does not exist, run `limactl create %s` to create a new instance", name, name)
	}
	w.mu.Lock()
	status, _ := vm.status()
	w.mu.Unlock()
	if status == limatype.StatusBroken { // it tries all the same
		c.log("error", "Instance `"+name+"` has configuration errors")
	}
	if status == limatype.StatusStopped {
		return fatalf("instance `%s` is stopped, run `limactl start %s` to start the instance", name, name)
	}
	sudo := []string{"sudo", "-n", "--"}
	root := len(command) > len(sudo) && slices.Equal(command[:len(sudo)], sudo)
	if root {
		command = command[len(sudo):]
	}
	if len(command) < 4 || command[0] != "sh" || command[1] != "-c" {
		return fmt.Errorf("sim: unexpected command in limactl shell: %q", command)
	}
	result, err := w.enter(ctx, name, guest.Request{
		Route: guest.Shell, Script: embed.Script{Name: command[3], Text: command[2]}, Args: command[4:], Root: root,
		Stdin: bytes.NewReader(c.stdin),
	})
	if connection := (*guest.ConnectionError)(nil); errors.As(err, &connection) && connection.Err == nil {
		c.raw(connection.Detail)
		c.exit = sshFailed
		return nil
	} else if connection != nil {
		return connection.Err
	}
	if err != nil {
		return err
	}
	c.stdout.WriteString(result.stdout)
	c.stderr.WriteString(result.stderr)
	c.exit = result.code
	return nil
}
