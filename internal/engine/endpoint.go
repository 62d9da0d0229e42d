package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ory/dockertest/v3/docker"
)

// endpoint is where an engine is reached.
type endpoint struct {
	host    string // a URL of scheme unix, npipe, tcp, http, https or ssh
	context string // the Docker context that names it, "" for the default one
	tls     *material
}

// material is what TLS needs. The certificate of a client may be missing, that
// of the authority where the engine isn't verified.
type material struct{ ca, cert, key []byte }

func defaultHost() string {
	if runtime.GOOS == "windows" {
		return "npipe:////./pipe/docker_engine"
	}
	return "unix:///var/run/docker.sock"
}

// findEndpoint finds the engine that the docker command would use: DOCKER_HOST,
// else the context that DOCKER_CONTEXT or the configuration in the folder
// DOCKER_CONFIG (~/.docker) names, else that of this machine.
func findEndpoint(getenv func(string) string) (endpoint, error) {
	config := getenv("DOCKER_CONFIG")
	if config == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return endpoint{}, err
		}
		config = filepath.Join(home, ".docker")
	}
	name, err := contextName(getenv, config)
	if err != nil {
		return endpoint{}, err
	}
	var e endpoint
	if name == "default" {
		e, err = environment(getenv, config)
	} else {
		e, err = readContext(config, name)
	}
	if err != nil {
		return endpoint{}, err
	}
	if e.host == "" {
		e.host = defaultHost()
	}
	return e, nil
}

// named returns the environment in which the docker command would use the engine
// of that name: a URL, or else a context. "" leaves it to the environment.
func named(name string, getenv func(string) string) func(string) string {
	if name == "" {
		return getenv
	}
	host, context := "", name
	if strings.Contains(name, "://") {
		host, context = name, ""
	}
	return func(variable string) string {
		switch variable {
		case "DOCKER_HOST":
			return host
		case "DOCKER_CONTEXT":
			return context
		}
		return getenv(variable)
	}
}

// contextName returns the name of the context to use.
func contextName(getenv func(string) string, config string) (string, error) {
	if getenv("DOCKER_HOST") != "" {
		return "default", nil
	}
	if name := getenv("DOCKER_CONTEXT"); name != "" {
		return name, nil
	}
	path := filepath.Join(config, "config.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "default", nil
	}
	if err != nil {
		return "", err
	}
	var file struct{ CurrentContext string }
	if err := json.Unmarshal(text, &file); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if file.CurrentContext == "" {
		return "default", nil
	}
	return file.CurrentContext, nil
}

// environment returns the engine of the default context.
func environment(getenv func(string) string, config string) (endpoint, error) {
	e := endpoint{host: getenv("DOCKER_HOST")}
	verify := getenv("DOCKER_TLS_VERIFY") != ""
	if !verify && getenv("DOCKER_TLS") == "" {
		return e, nil
	}
	dir := getenv("DOCKER_CERT_PATH")
	if dir == "" {
		dir = config
	}
	var err error
	e.tls, err = readMaterial(dir, verify)
	return e, err
}

// readContext reads a context as `docker context create` has written it: its
// folder's name is the SHA-256 of its own.
func readContext(config, name string) (endpoint, error) {
	sum := sha256.Sum256([]byte(name))
	folder := hex.EncodeToString(sum[:])
	path := filepath.Join(config, "contexts", "meta", folder, "meta.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return endpoint{}, fmt.Errorf("there is no Docker context %q: docker context ls lists them", name)
	}
	if err != nil {
		return endpoint{}, err
	}
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		return endpoint{}, fmt.Errorf("context %q of Docker: %s: %w", name, path, err)
	}
	found, ok := meta.Endpoints["docker"]
	if !ok {
		return endpoint{}, fmt.Errorf("context %q of Docker: %s names no Docker engine", name, path)
	}
	e := endpoint{host: found.Host, context: name}
	dir := filepath.Join(config, "contexts", "tls", folder, "docker")
	if _, err := os.Stat(dir); err == nil || found.SkipTLSVerify {
		if e.tls, err = readMaterial(dir, !found.SkipTLSVerify); err != nil {
			return endpoint{}, fmt.Errorf("context %q of Docker: %w", name, err)
		}
	}
	return e, nil
}

// readMaterial reads ca.pem, cert.pem and key.pem in a folder.
func readMaterial(dir string, verify bool) (*material, error) {
	m := new(material)
	for _, file := range []struct {
		name     string
		into     *[]byte
		required bool
	}{{"ca.pem", &m.ca, verify}, {"cert.pem", &m.cert, false}, {"key.pem", &m.key, false}} {
		body, err := os.ReadFile(filepath.Join(dir, file.name))
		if err != nil && (file.required || !errors.Is(err, os.ErrNotExist)) {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		*file.into = body
	}
	if !verify {
		m.ca = nil // the client verifies where it has one
	}
	return m, nil
}

// client returns a client that speaks this version of the API, or names none in
// its requests where it is "".
func (e endpoint) client(version string) (client *docker.Client, err error) {
	scheme, _, _ := strings.Cut(e.host, "://")
	if scheme == "ssh" {
		client, err = sshClient(e.host, version)
	} else if e.tls != nil {
		client, err = docker.NewVersionedTLSClientFromBytes(e.host, e.tls.cert, e.tls.key, e.tls.ca, version)
	} else {
		client, err = docker.NewVersionedClient(e.host, version)
	}
	if err != nil {
		return nil, err
	}
	client.SkipServerVersionCheck = true
	return client, nil
}

// url returns the URL of the engine's API, as its client requests it: those of a
// socket need a host, which isn't used.
func (e endpoint) url() string {
	scheme, address, _ := strings.Cut(e.host, "://")
	switch {
	case scheme == "unix" || scheme == "npipe" || scheme == "ssh":
		return "http://engine"
	case scheme == "https" || e.tls != nil:
		return "https://" + address
	}
	return "http://" + address
}

// elsewhere reports whether the engine is on another machine, as far as its address
// tells.
func (e endpoint) elsewhere() bool {
	at, err := url.Parse(e.host)
	if err != nil || at.Scheme == "unix" || at.Scheme == "npipe" {
		return false
	}
	ip := net.ParseIP(at.Hostname())
	return at.Hostname() != "localhost" && !(ip != nil && ip.IsLoopback())
}

// String describes the endpoint for errors.
func (e endpoint) String() string {
	if e.context != "" {
		return fmt.Sprintf("the engine of Docker context %s, %s", e.context, e.host)
	}
	return "the engine " + e.host
}

// where names the engine, "" for that of this machine.
func (e endpoint) where() string {
	switch {
	case e.context != "":
		return "context " + e.context
	case e.host != defaultHost():
		return "at " + e.host
	}
	return ""
}
