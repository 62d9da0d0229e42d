package engine

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSSHDialer(t *testing.T) {
	for _, tt := range []struct{ host, want, wrong string }{
		{"ssh://me@far.example:2222", "-l me -p 2222 -- far.example docker system dial-stdio", ""},
		{"ssh://far.example/", "-- far.example docker system dial-stdio", ""},
		{"ssh://", "", "want ssh://[USER@]HOST[:PORT]"},
		{"ssh://me:secret@far.example", "", "ssh://me:xxxxx@far.example: want"},
		{"ssh://far.example/run/docker.sock", "", "want ssh://"},
	} {
		d, err := newSSHDialer(tt.host)
		switch {
		case tt.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%s: got %v, %v, want an error with %q", tt.host, d, err, tt.wrong)
			}
		case err != nil || !strings.HasSuffix(strings.Join(d.args, " "), tt.want) || !slices.Contains(d.args, "-T"):
			t.Errorf("%s: got %v, %v, want %s", tt.host, d, err, tt.want)
		}
	}
}

// sshVariable holds, in the environment of what stands in for ssh, the address of an
// engine.
const sshVariable = "COMETBENCH_TEST_SSH"

// TestSSH: an engine is asked through a program that stands in for ssh, and what that
// says when it fails is in the error.
func TestSSH(t *testing.T) {
	if addr := os.Getenv(sshVariable); addr != "" {
		dialStdio(addr)
	}
	answers := http.NewServeMux()
	answers.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64"}`)
	})
	answers.HandleFunc("GET /v1.44/info", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"NCPU":7}`)
	})
	server := httptest.NewServer(answers)
	defer server.Close()
	bin := t.TempDir()
	write := func(script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(sshVariable, server.Listener.Addr().String())
	write(`exec "` + os.Args[0] + `" -test.run='^TestSSH$'`)
	e, err := Dial(t.Context(), "ssh://me@far.example")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.String(), "docker 28.5.2, at ssh://me@far.example"; got != want {
		t.Errorf("got engine %q, want %q", got, want)
	}
	if h, err := e.Host(t.Context()); err != nil || h.Cores != 7 {
		t.Errorf("got %+v, %v", h, err)
	}
	const said = "Permission denied"
	write("echo " + said + " >&2; exit 255")
	if _, err := Dial(t.Context(), "ssh://far.example"); err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("got %v, want what ssh says", err)
	}
}

// dialStdio does what "docker system dial-stdio" does.
func dialStdio(addr string) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		os.Exit(1)
	}
	go func() {
		io.Copy(c, os.Stdin)
		c.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(os.Stdout, c)
	os.Exit(0)
}
