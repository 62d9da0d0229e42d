package images

import (
	"regexp"
	"strings"
	"testing"
)

// TestLocks: each requirement of a lock names a version and hashes.
func TestLocks(t *testing.T) {
	whole := regexp.MustCompile(`^[a-z0-9-]+==[0-9.]+( \\\n    --hash=sha256:[0-9a-f]{64})+\n$`)
	for name, l := range map[string]lock{
		"python2": python2Lock, "python2.build": python2BuildLock, "python3": python3Lock, "comet": cometLock,
	} {
		for _, entry := range l.entries() {
			if !whole.MatchString(entry) {
				t.Errorf("%s.lock.txt: got %q, want a version and its hashes", name, entry)
			}
		}
	}
	if n := len(cometLock.entries()); n != 14 {
		t.Errorf("got %d releases of Comet, want 14", n)
	}
}

func TestLock(t *testing.T) {
	const l lock = "# why\na==1.0 \\\n    --hash=sha256:01 \\\n    --hash=sha256:02\n" +
		"ab==1.01 \\\n    --hash=sha256:03\n"
	if got, want := l.constraints(), "a==1.0\nab==1.01\n"; got != want {
		t.Errorf("got constraints %q, want %q", got, want)
	}
	if got, want := l.without("a"), lock("ab==1.01 \\\n    --hash=sha256:03\n"); got != want {
		t.Errorf("got %q without a, want %q", got, want)
	}
	if got := l.find("AB==1.01"); !strings.HasSuffix(got, "03\n") {
		t.Errorf("got %q, want the hash of ab", got)
	}
	if got := l.find("ab==1.0"); got != "" {
		t.Errorf("got %q for a version that isn't there, want nothing", got)
	}
}
