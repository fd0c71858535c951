package corefile

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// setDeploy reads: deploy nginx|varnish COMMAND [ARG...]
func setDeploy(c *site.WatchedCDN, n node) error {
	args := n.args()
	if len(args) < 2 {
		return n.argError()
	}
	d := new(site.Deploy)
	if err := choice(&d.Kind, "kind of node", site.DeployNginx, site.DeployVarnish)(args[0]); err != nil {
		return err
	}
	program, err := absolute(args[1])
	if err != nil {
		return err
	}
	d.Command = append([]string{program}, args[2:]...)
	c.Provision.Deploy = d
	return nil
}

// setWebhook reads: webhook URL [secret FILE|env:NAME]
func setWebhook(c *site.WatchedCDN, n node) error {
	if len(n.args()) == 0 {
		return n.argError()
	}
	w := &site.Webhook{URL: n.args()[0]}
	u, err := url.Parse(w.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("'%s' is not an http:// or https:// URL without user and fragment", w.URL)
	}
	c.Provision.Webhook = w
	return readOptions(n, n.args()[1:], option{"secret", into(&w.Secret, keptSecret)})
}

// keptSecret reads where a secret is kept, and quotes nothing: it may be the secret.
func keptSecret(word string) (string, error) {
	if path := strings.TrimPrefix(word, "file:"); filepath.IsAbs(path) {
		return "file:" + filepath.Clean(path), nil
	}
	if name, found := strings.CutPrefix(word, "env:"); found && name != "" {
		return word, nil
	}
	return "", errors.New("the secret stands elsewhere: write the absolute path of a file, or env:NAME")
}

// setManual reads: manual TEXT
func setManual(c *site.WatchedCDN, n node) error {
	return one(n, into(&c.Provision.Manual, func(word string) (string, error) {
		rest := strings.NewReplacer("{name}", "", "{host}", "", "{target}", "").Replace(word)
		if strings.ContainsAny(rest, "{}") {
			return "", fmt.Errorf("unknown placeholder in '%s': {name}, {host} and {target} are known", word)
		}
		return bounded("text", word)
	}))
}
