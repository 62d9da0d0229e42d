package engine

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folders of contexts, of which `docker context create` named them.
var folders = map[string]string{
	"lab":    "a51146d38077ff992eba84cf1d5e9b249073503eb74868699016153b031a38f7",
	"remote": "b71199ebd070b36beab7317920c2c2f1d777df8d05e5527d8458fda57cb17a7a",
	"far":    "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868",
	"loose":  "b5e0eee6e28efca6d6ad05d7b8a94631576037ec9e5ff6d305fe89faa0e1032e",
}

// configured is a folder of the docker command's configuration.
type configured struct {
	t   *testing.T
	dir string
}

func (c configured) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c configured) create(name, host string, skipVerify bool) {
	c.t.Helper()
	c.write("contexts/meta/"+folders[name]+"/meta.json",
		fmt.Sprintf(`{"Name":%q,"Metadata":{},"Endpoints":{"docker":{"Host":%q,"SkipTLSVerify":%t}}}`, name, host,
			skipVerify))
}

// TestFindEndpoint: contexts are read, and found in the same order, as the
// docker command does. What it wrote itself is the model of the files here.
func TestFindEndpoint(t *testing.T) {
	config := configured{t, t.TempDir()}
	config.create("lab", "unix:///tmp/x.sock", false)
	config.create("far", "ssh://me@far.example", false)
	config.write("config.json", `{"auths": {}, "currentContext": "lab"}`)
	config.write("empty/config.json", `{"auths": {}}`)
	config.write("broken/config.json", `{"auths": `)
	standard := defaultHost()
	for _, tt := range []struct{ env, host, context, wrong string }{
		{env: "", host: "unix:///tmp/x.sock", context: "lab"},
		{env: "DOCKER_HOST=tcp://10.1.2.3:2375", host: "tcp://10.1.2.3:2375"},
		{env: "DOCKER_HOST=tcp://10.1.2.3:2375 DOCKER_CONTEXT=far", host: "tcp://10.1.2.3:2375"},
		{env: "DOCKER_CONTEXT=default", host: standard},
		{env: "DOCKER_CONTEXT=lab", host: "unix:///tmp/x.sock", context: "lab"},
		{env: "DOCKER_CONTEXT=far", host: "ssh://me@far.example", context: "far"},
		{env: "DOCKER_HOST=ssh://me@far.example", host: "ssh://me@far.example"},
		{env: "DOCKER_CONTEXT=none", wrong: `no Docker context "none"`},
		{env: "DOCKER_CONFIG=" + config.dir + "/empty", host: standard},
		{env: "DOCKER_CONFIG=" + config.dir + "/none", host: standard},
		{env: "DOCKER_CONFIG=" + config.dir + "/broken", wrong: "broken/config.json"},
		{env: "DOCKER_HOST=tcp://10.1.2.3:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=" + config.dir, wrong: "ca.pem"},
	} {
		env := map[string]string{"DOCKER_CONFIG": config.dir}
		for _, word := range strings.Fields(tt.env) {
			name, value, _ := strings.Cut(word, "=")
			env[name] = value
		}
		e, err := findEndpoint(func(name string) string { return env[name] })
		switch {
		case tt.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%s: got %v, %v, want an error with %q", tt.env, e, err, tt.wrong)
			}
		case err != nil || e.host != tt.host || e.context != tt.context:
			t.Errorf("%s: got host %q of context %q, %v, want %q of %q", tt.env, e.host, e.context, err, tt.host,
				tt.context)
		}
	}
}

func TestElsewhere(t *testing.T) {
	for host, want := range map[string]bool{
		defaultHost():               false,
		"unix:///run/x.sock":        false,
		"npipe:////./pipe/x":        false,
		"tcp://127.0.0.1:2375":      false,
		"tcp://[::1]:2375":          false,
		"tcp://localhost:2375":      false,
		"tcp://10.1.2.3:2375":       true,
		"ssh://me@far.example":      true,
		"https://far.example:2376":  true,
		"tcp://[2001:db8::1]:2375":  true,
		"http://127.0.0.1.example/": true,
	} {
		if got := (endpoint{host: host}).elsewhere(); got != want {
			t.Errorf("%s: got %t, want %t", host, got, want)
		}
	}
}

// TestDialTLS: an engine behind TLS is reached through a context that trusts it,
// or doesn't ask, and the configuration line says through which.
func TestDialTLS(t *testing.T) {
	answers := http.NewServeMux()
	answers.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64"}`)
	})
	answers.HandleFunc("GET /v1.44/images/some/json", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"Id":"sha256:0123456789abcdef"}`)
	})
	server := httptest.NewTLSServer(answers)
	defer server.Close()
	host := strings.Replace(server.URL, "https://", "tcp://", 1)
	config := configured{t, t.TempDir()}
	config.create("remote", host, false)
	config.create("loose", host, true)
	config.create("lab", host, false) // whose engine has no certificate
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config.write("contexts/tls/"+folders["remote"]+"/docker/ca.pem", string(authority))
	t.Setenv("DOCKER_CONFIG", config.dir)
	t.Setenv("DOCKER_HOST", "")
	for _, context := range []string{"remote", "loose"} {
		t.Setenv("DOCKER_CONTEXT", context)
		e, err := Dial(t.Context(), "")
		if err != nil {
			t.Errorf("context %s: %v", context, err)
			continue
		}
		if got, want := e.String(), "docker 28.5.2, context "+context; got != want {
			t.Errorf("got engine %q, want %q", got, want)
		}
		if id, err := e.Find(t.Context(), "some"); err != nil || id == "" {
			t.Errorf("context %s: got image %q, %v", context, id, err)
		}
	}
	t.Setenv("DOCKER_CONTEXT", "lab")
	if e, err := Dial(t.Context(), ""); err == nil {
		t.Errorf("got %v without TLS, want an error", e)
	}
}
