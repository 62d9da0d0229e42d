package testbed

import (
	"os/exec"
	"testing"
)

func TestOwner(t *testing.T) {
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	back, err := parseOwner(me.String())
	if err != nil || back != me {
		t.Errorf("parseOwner(%q) = %+v, %v, want %+v", me, back, err, me)
	}
	if me.gone(me) {
		t.Error("this process is said to be gone")
	}
	reused := me
	reused.start++
	if me.start != 0 && !reused.gone(me) {
		t.Error("a process that had this one's id before is said to live")
	}
	other := me
	other.boot, other.pid = "another-machine", 1<<22+1
	if other.gone(me) {
		t.Error("a process of another machine is said to be gone")
	}

	child := exec.Command("go", "version")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	dead := me
	dead.pid = child.Process.Pid
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if !dead.gone(me) {
		t.Error("a process that has ended is said to live")
	}
	for _, s := range []string{"", "a/b", "a/b/c", "/1/2", "a/0/2", "a/1/-2", "a/1/2/3"} {
		if o, err := parseOwner(s); err == nil {
			t.Errorf("parseOwner(%q) = %+v, want an error", s, o)
		}
	}
}
