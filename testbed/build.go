package testbed

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Build builds the cometbench command, static, for a platform into the folder
// dir and returns its path. It needs the go command, and must run within this
// module, as a test of it does.
func Build(ctx context.Context, dir, goos, goarch string) (string, error) {
	path := filepath.Join(dir, "cometbench-"+goos+"-"+goarch)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, module()+"/cmd/cometbench")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the cometbench command for %s/%s: "+
			"%w\n%s", goos, goarch, err, strings.TrimSpace(string(out)))
	}
	return path, nil
}

// module returns the path of the module that this program is of, which whoever
// copies it may have changed.
func module() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "cometbench"
	}
	return build.Main.Path
}

// Self returns the path of this process's executable, which must be the
// cometbench command, where it is a static one for the platform; else it
// builds one, as [Build] does.
func Self(ctx context.Context, dir, goos, goarch string) (string, error) {
	path, err := os.Executable()
	if err == nil && runtime.GOOS == goos && runtime.GOARCH == goarch && static(path) {
		return path, nil
	}
	path, err = Build(ctx, dir, goos, goarch)
	if err != nil {
		return "", fmt.Errorf("containers need a static cometbench for %s/%s, which this one isn't: "+
			"make it so (CGO_ENABLED=0 GOOS=%[1]s GOARCH=%[2]s go build ./cmd/cometbench): %w", goos, goarch, err)
	}
	return path, nil
}

// static reports whether an ELF executable runs where there are no libraries:
// it names no program to load them.
func static(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}
