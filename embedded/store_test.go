package embedded

import (
	"bytes"
	"crypto/sha1"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/eventdb"
	"cometbench/vtp"
)

func TestAppendTime(t *testing.T) {
	for _, at := range []time.Time{time.Unix(1795443440, 1800), time.Unix(0, 999999999), time.Unix(1, 0)} {
		got, err := eventdb.ParseTime(appendTime(nil, at))
		if err != nil || !got.Equal(at.Truncate(100*time.Nanosecond)) {
			t.Errorf("%v is written as %s", at, appendTime(nil, at))
		}
	}
}

func TestFileName(t *testing.T) {
	for author, want := range map[string]string{
		"comet.broker/test":   "comet.broker_test",
		"abc/d/e":             "abc_d_e",
		"abc/d_e":             "abc_d%5Fe",
		"nasa.gsfc.gcn/SWIFT": "nasa.gsfc.gcn_SWIFT",
		"a.b~c-d/(e)*'":       "a.b~c-d_%28e%29%2A%27",
	} {
		if got := fileName([]byte(author)); got != want {
			t.Errorf("%s: got %s, want %s", author, got, want)
		}
	}
}

// FuzzFileName: names are those of files in the folder, and no two authors
// have one name.
func FuzzFileName(f *testing.F) {
	f.Add("abc/d/e", "abc/d_e")
	f.Add("abc/d", "ABC/D")
	f.Add(strings.Repeat("a", 300), strings.Repeat("a", 300)+"b")
	f.Fuzz(func(t *testing.T, a, b string) {
		one, other := fileName([]byte(a)), fileName([]byte(b))
		if len(one) > maxName || strings.ContainsAny(one, "/\\\x00") || strings.ToLower(one) == shared {
			t.Errorf("%q is kept in the file %q", a, one)
		}
		if !bytes.Equal(bytes.ToLower([]byte(a)), bytes.ToLower([]byte(b))) && strings.EqualFold(one, other) {
			t.Errorf("%q and %q are both kept in the file %q", a, b, one)
		}
	})
}

// TestForeignAuthors sends events of authors whose names an outsider made up:
// each is acked by the broker and by the subscriber, and kept by both.
func TestForeignAuthors(t *testing.T) {
	brokerDir, subscriberDir := t.TempDir(), t.TempDir()
	b := start(t, brokerDir, usual())
	subscriber, err := openStore(subscriberDir)
	if err != nil {
		t.Fatal(err)
	}
	events := 0
	paths, err := filepath.Glob("testdata/*.frame*")
	if err != nil || len(paths) != 4 {
		t.Fatalf("got %q, %v, want four files of frames", paths, err)
	}
	for _, path := range paths {
		frames, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for r := bytes.NewReader(frames); r.Len() > 0; events++ {
			payload, err := vtp.ReadFrame(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := send(t, b, payload); got.Role != vtp.Ack {
				t.Errorf("%s: got %+v from the broker", path, got)
			}
			if got, err := respond(payload, subscriber); err != nil || got.Role != vtp.Ack {
				t.Errorf("%s: got %+v, %v from the subscriber", path, got, err)
			}
		}
	}
	if err := subscriber.close(); err != nil {
		t.Error(err)
	}
	for _, dir := range []string{brokerDir, subscriberDir} {
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != maxDatabases+1 {
			t.Errorf("got %d files, %v, want %d", len(files), err, maxDatabases+1)
		}
		kept := 0
		for _, f := range files {
			db, err := eventdb.Open(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			s, err := db.Summary(t.Context())
			if err != nil {
				t.Error(err)
			}
			kept += s.Entries
			db.Close()
		}
		if kept != events {
			t.Errorf("got %d events, want %d", kept, events)
		}
	}
}

// TestRespond: a subscriber answers whatever asks for an answer.
func TestRespond(t *testing.T) {
	s, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	version := func(v string) []byte { return bytes.ReplaceAll(event(1), []byte("v2.0"), []byte(v)) }
	message := func(role vtp.Role) []byte { return vtp.Transport{Role: role, Origin: "ivo://a.b/c"}.Append(nil) }
	const ours = "ivo://comet.broker/test#1"
	for _, tt := range []struct {
		name    string
		payload []byte
		role    vtp.Role
		origin  string
	}{
		{"an event", event(1), vtp.Ack, ours},
		{"the same again", event(1), vtp.Ack, ours},
		{"an event with a byte order mark", append([]byte("\ufeff"), event(1)...), vtp.Ack, ours},
		{"an event of version 1.1", version("v1.1"), vtp.Nak, ours},
		{"an event of version 2.1", version("v2.1"), vtp.Nak, ours},
		{"an event without a prefix", []byte(`<VOEvent version="2.0" ivorn="` + ours + `"/>`), vtp.Nak, ours},
		{"a malformed document", event(1)[:200], vtp.Nak, ""},
		{"nothing", nil, vtp.Nak, ""},
		{"a sign of life", message(vtp.IAmAlive), vtp.IAmAlive, "ivo://a.b/c"},
		{"a request to authenticate itself", message(vtp.Authenticate), vtp.Authenticate, "ivo://a.b/c"},
		{"an unknown role", message("what"), vtp.Nak, "ivo://a.b/c"},
		{"an ack", message(vtp.Ack), "", ""},
		{"a nak", message(vtp.Nak), "", ""},
	} {
		got, err := respond(tt.payload, s)
		if err != nil || got.Role != tt.role || got.Origin != tt.origin || (got.Result == "") != (tt.role != vtp.Nak) {
			t.Errorf("%s: got %+v, %v, want %s of %q", tt.name, got, err, tt.role, tt.origin)
		}
		if tt.role != "" && got.Response != subscriberIVOID {
			t.Errorf("%s: got it from %q", tt.name, got.Response)
		}
	}
}

// TestClosedStore: what comes after the end is an error, not a crash.
func TestClosedStore(t *testing.T) {
	s, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // twice the same bytes, of one author in two spellings
		added, err := s.put([]byte([...]string{"ivo://abc#1", "ivo://ABC#1"}[i]), sha1.Sum(nil), time.Unix(0, 0))
		if err != nil || added != (i == 0) {
			t.Errorf("got %v, %v", added, err)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if _, err := s.put([]byte("ivo://abc#1"), sha1.Sum(nil), time.Unix(0, 0)); err == nil {
		t.Error("got no error after the end")
	}
}
