package owner

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOwner(t *testing.T) {
	me, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Parse(me.String()); err != nil || back != me {
		t.Errorf("Parse(%q) = %+v, %v, want %+v", me, back, err, me)
	}
	if back, err := ParseWord(me.Word()); err != nil || back != me || strings.Contains(me.Word(), "/") {
		t.Errorf("ParseWord(%q) = %+v, %v, want %+v", me.Word(), back, err, me)
	}
	if me.Gone(me) {
		t.Error("this process is said to be gone")
	}
	reused := me
	reused.start++
	if me.start != 0 && !reused.Gone(me) {
		t.Error("a process that had this one's id before is said to live")
	}
	other := me
	other.machine, other.boot, other.pid = "another", "another", 1<<22+1
	if other.Gone(me) {
		t.Error("a process of another machine is said to be gone")
	}
	before := me
	before.boot, before.namespace = "another", me.namespace+1
	if !before.Gone(me) {
		t.Error("a process of an earlier boot of this machine is said to live")
	}
	other = me
	other.namespace++
	if other.Gone(me) {
		t.Error("a process of another container of this machine is said to be gone")
	}
	// The third is of the form that labels had before the machine.
	for _, s := range []string{
		"", "a/b", "a/1/2/3", "/b/1/1/2", "a//1/1/2", "a/b/c/1/2", "a/b/1/0/2", "a/b/1/1/-2", "a/b/1/1/2/3",
	} {
		if o, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", s, o)
		}
	}
}

// TestOwnerEnds: a process is gone when it has ended, whether or not its parent
// has noticed.
func TestOwnerEnds(t *testing.T) {
	me, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("cat")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	o, err := Of(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if o.Gone(me) {
		t.Error("a process that waits is said to be gone")
	}
	folder, err := MakeScratch(Memory(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if others, err := Others(me); err != nil || !slices.Contains(others, o) || slices.Contains(others, me) {
		t.Errorf("got others %v, %v, want %v among them, and not %v", others, err, o, me)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if o.start != 0 { // else only its parent can tell
		for end := time.Now().Add(time.Minute); !o.Gone(me); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("a process that has ended is said to live")
			}
		}
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if !o.Gone(me) {
		t.Error("a process that has ended, and that was waited for, is said to live")
	}
	if others, err := Others(me); err != nil || slices.Contains(others, o) {
		t.Errorf("got others %v, %v, want none that has ended", others, err)
	}
}
