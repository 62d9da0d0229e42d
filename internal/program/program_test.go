package program

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Chdir("../..")
	got := Read()
	if got.Version == "" || got.Go != runtime.Version() {
		t.Errorf("got %+v, want a version and Go %s", got, runtime.Version())
	}
	out, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil { // an unpacked archive
		out = nil
	}
	if head := strings.TrimSpace(string(out)); strings.TrimSuffix(got.Commit, "+changes") != head {
		t.Errorf("got commit %q, want %q", got.Commit, head)
	}
	t.Chdir(t.TempDir())
	if got := Read(); got.Commit != "" {
		t.Errorf("got commit %q in a folder that isn't the module's", got.Commit)
	}
}

func TestString(t *testing.T) {
	for _, tt := range []struct {
		info Info
		want string
	}{
		{Info{Version: "v1.2.0", Go: "go1.26.8"}, "v1.2.0, go1.26.8"},
		{Info{Version: "(devel)", Commit: "4cff84a+changes", Go: "go1.26.8"}, "(devel), commit 4cff84a+changes, go1.26.8"},
	} {
		if got := tt.info.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
