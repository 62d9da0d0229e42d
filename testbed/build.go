package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "cometbench/cmd/cometbench")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the cometbench command for %s/%s: %w\n%s", goos, goarch, err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
