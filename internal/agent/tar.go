package agent

import (
	"archive/tar"
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"cometbench/internal/command"
)

// runTar writes a folder on stdout. Our images hold no other program, and an
// engine's copy command doesn't see a container's tmpfs, so it is by this that
// the files of a container come out.
func runTar(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("tar", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench tar DIR\n\n"+
			"Writes the files below DIR as a tar archive on stdout, named relative to DIR.\n")
	}
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return command.UsageErrorf("tar: want one folder, got %d arguments", fs.NArg())
	}
	if err := writeTar(std.Out, fs.Arg(0)); err != nil {
		return fmt.Errorf("tar: %w", err)
	}
	return nil
}

// writeTar writes the files below dir as a tar archive.
func writeTar(w io.Writer, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	buffered := bufio.NewWriterSize(w, 64<<10)
	archive := tar.NewWriter(buffered)
	if err := archive.AddFS(root.FS()); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}
