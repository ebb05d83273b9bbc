package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand returns the command that writes the manual pages, which are made from the commands' help texts.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "write the manual pages to a directory",
		Example: examples("worldsetup man ~/.local/share/man/man1"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name it: worldsetup man DIR", "expected one directory, got %d", len(args))
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			root := command.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "worldsetup", Manual: "worldsetup"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return usage("name a directory that you can write to", "the manual pages can't be written: %v", err)
			}
			a.stdout().printf("wrote the manual pages to %s", args[0])
			return nil
		},
	}
}
