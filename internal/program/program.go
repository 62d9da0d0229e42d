// Package program describes this program: its version, commit, and Go.
package program

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// Info is a program's version.
type Info struct {
	Version string `json:"version"`          // of its module, "(devel)" where it has none
	Commit  string `json:"commit,omitempty"` // with "+changes" where files differ from it
	Go      string `json:"go"`               // the version of Go that built it
}

// Read returns what the go command has written into this executable. It writes
// no commit into a test: there, it is that of the folder, where this is the
// folder of its module.
func Read() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return Info{}
	}
	info := Info{Version: build.Main.Version, Go: build.GoVersion}
	settings := make(map[string]string)
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	info.Commit = settings["vcs.revision"]
	switch {
	case settings["vcs.modified"] == "true":
		info.Commit += "+changes"
	case info.Commit == "" && inModule(build.Main.Path):
		info.Commit = checkedOut()
	}
	return info
}

// String returns the version in one line.
func (i Info) String() string {
	words := []string{i.Version}
	if i.Commit != "" {
		words = append(words, "commit "+i.Commit)
	}
	return strings.Join(append(words, i.Go), ", ")
}

// inModule reports whether the current folder is the top folder of a module.
func inModule(path string) bool {
	file, err := os.ReadFile("go.mod")
	return err == nil && regexp.MustCompile(`(?m)^module `+regexp.QuoteMeta(path)+`\s*$`).Match(file)
}

// checkedOut returns the commit of the current folder, "" where git knows none.
func checkedOut() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err := git("rev-parse", "HEAD")
	if err != nil {
		return ""
	}
	if changes, err := git("status", "--porcelain"); err != nil || changes != "" {
		commit += "+changes"
	}
	return commit
}
