package images

import (
	"fmt"
	"os"
)

// CABundle returns the file of certificates that this machine's programs are
// told to trust by the usual environment variables, "" if there is none: behind
// a proxy that inspects TLS, a container must trust them too.
func CABundle() (string, error) {
	for _, name := range []string{"PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"} {
		path := os.Getenv(name)
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("certificates: the environment variable %s: %w", name, err)
		}
		if info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", nil
}

// passed are the environment variables that a build must know to reach a
// registry: pip's, and those of proxies, which engines take as predefined build
// arguments.
func passed() []string {
	return []string{
		"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	}
}
