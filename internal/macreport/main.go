// Command macreport records what a Mac answers to the questions that worldsetup asks of one: `make mac-report`.
//
// The record has the form of checks/testdata/macs, and becomes a test when it is put there. The rules are: nothing is
// changed, and no VM is started or stopped; everything passes through package redact; it is shown before it is written,
// to one new file, and sent nowhere.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/atomize-hq/worldsetup/internal/redact"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mac-report:", err)
		os.Exit(1)
	}
}

// run records this Mac, shows the record, and writes it if that is wanted.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("macreport", flag.ContinueOnError)
	path := flags.String("o", "mac-report.txtar", "write the record to `FILE`, which may not be there yet")
	yes := flags.Bool("yes", false, "do not ask")
	vm := flags.String("vm", "substrate", "with Lima's logs of the VM `NAME`, if there is one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if _, err := exec.LookPath("sw_vers"); err != nil {
		return errors.New("this is no Mac: it has no sw_vers")
	}
	if filepath.Base(*vm) != *vm || strings.HasPrefix(*vm, ".") {
		return fmt.Errorf("%q is no name of a VM", *vm)
	}
	record := record(ctx, *vm, redact.New(redact.Here()))
	if ctx.Err() != nil {
		return errors.New("stopped; nothing was written")
	}
	fmt.Fprintf(out, "%s\nUsers, homes, hosts, addresses, keys and tokens are taken out. Read it: it is sent nowhere.\n",
		record)
	if !*yes {
		fmt.Fprintf(out, "write it to %s? [y/N] ", *path)
		answer, _ := bufio.NewReader(in).ReadString('\n') // without an answer nothing is written
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
			fmt.Fprintln(out, "nothing was written")
			return nil
		}
	}
	file, err := os.OpenFile(*path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%w; name another file: make mac-report REPORT='-o FILE'", err)
	}
	_, err = file.Write(record)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s; attach it to an issue: https://github.com/atomize-hq/worldsetup/issues/new\n", *path)
	return nil
}
