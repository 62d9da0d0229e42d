package tail

import (
	"fmt"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	var taken []string
	tail := &Tail{Each: func(line string) bool {
		taken = append(taken, line)
		return line == "7"
	}}
	for _, text := range []string{"one\ntw", "o\n7\n", "the last"} {
		fmt.Fprint(tail, text)
	}
	if got, want := tail.String(), "one\ntwo\nthe last"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := strings.Join(taken, ","); got != "one,two,7" {
		t.Errorf("shown were the lines %q", got)
	}
	tail = new(Tail)
	for n := range 1000 {
		fmt.Fprintf(tail, "line %d\n", n)
	}
	fmt.Fprint(tail, strings.Repeat("x", 3*size))
	if got := tail.String(); len(got) > 2*size || !strings.HasSuffix(got, "xxx") {
		t.Errorf("%d bytes are kept, want %d at most, and the end", len(got), 2*size)
	}
}
