package store

import (
	"net/url"
	"regexp"
	"strings"
)

var (
	inKeywords = regexp.MustCompile(`(?i)pass[a-z%0-9]*\s*=\s*('(?:[^'\\]|\\.)*'?|[^\s&]*)`)
	inURL      = regexp.MustCompile(`://[^:/]*:(.*)@`)
)

// withoutSecrets takes the passwords of a DSN out of a text.
func withoutSecrets(text, dsn string) string {
	var secrets []string
	for _, form := range []*regexp.Regexp{inKeywords, inURL} {
		for _, found := range form.FindAllStringSubmatch(dsn, -1) {
			secrets = append(secrets, found[1], strings.Trim(found[1], "'"))
		}
	}
	for _, secret := range secrets {
		if plain, err := url.QueryUnescape(secret); err == nil {
			text = hide(text, plain)
		}
		text = hide(text, secret)
	}
	return text
}

func hide(text, secret string) string {
	if secret == "" || secret == "xxxxx" {
		return text
	}
	return strings.ReplaceAll(text, secret, "xxxxx")
}
