package compare

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestDocument: what is written is read as it was.
func TestDocument(t *testing.T) {
	data, err := os.ReadFile("testdata/verdict.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ReadDocument(bytes.NewReader(data))
	if err != nil || len(d.Rows) == 0 || d.Rows[0].Hi == nil || *d.Rows[0].Hi <= d.Rows[0].Slowdown {
		t.Fatalf("got %+v, %v", d, err)
	}
	for _, tt := range []struct{ text, want string }{
		{"", "no verdict"},
		{"[]", "no verdict"},
		{"{}", "schema 0: want 2"},
		{strings.Replace(string(data), `"schema": 2`, `"schema": 3`, 1), "schema 3: want 2"},
		{`{"schema": 2}`, "names no brokers"},
	} {
		if _, err := ReadDocument(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.30q: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

// FuzzReadDocument: what is read is written and read as the same.
func FuzzReadDocument(f *testing.F) {
	data, err := os.ReadFile("testdata/verdict.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ReadDocument(bytes.NewReader(data))
		if err != nil {
			return
		}
		written, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ReadDocument(bytes.NewReader(written)); err != nil || !reflect.DeepEqual(d, again) {
			t.Errorf("got %+v, then %+v, %v", d, again, err)
		}
	})
}
