package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// objectKey is what an object is known by.
type objectKey struct {
	kind site.ObjectKind
	name string
}

// files are where objects stand.
type files map[objectKey]document.Entry

func filesOf(entries []document.Entry) files {
	f := make(files, len(entries))
	for _, e := range entries {
		f[objectKey{e.Kind, e.Name}] = e
	}
	return f
}

// located has what the server says of texts say of which file and which field it is.
func (f files) located(err error) error {
	problem := new(api.Problem)
	if !errors.As(err, &problem) {
		return err
	}
	located := *problem
	located.Detail = f.relocated(problem.Detail)
	located.Errors = make([]*api.Fault, len(problem.Errors))
	for i, fault := range problem.Errors {
		at := *fault
		at.Message = f.relocated(fault.Message)
		located.Errors[i] = &at
	}
	return &located
}

// stored is how an error about the text of an object begins.
var stored = regexp.MustCompile(`(?s)^store/(\w+)/(\S+)@\d+:(\d+) - Error during parsing: (.*)$`)

func (f files) relocated(text string) string {
	parts := stored.FindStringSubmatch(text)
	if parts == nil {
		return text
	}
	e, found := f[objectKey{site.ObjectKind(parts[1]), parts[2]}]
	line, _ := strconv.Atoi(parts[3])
	if !found {
		return text
	}
	if e.Text {
		file, first := cutLine(e.Place)
		return fmt.Sprintf("%s:%d: %s", file, first+line-1, parts[4])
	}
	doc, err := document.Read(e.Object.Text)
	if err != nil {
		return text
	}
	at := &corefile.Error{Place: e.Object.Place() + ":" + parts[3], Err: errors.New(parts[4])}
	return fmt.Sprintf("%s: %s '%s': %s", e.Place, e.Kind, e.Name, document.Locate(doc, at))
}

// cutLine takes file:line apart.
func cutLine(place string) (file string, line int) {
	i := strings.LastIndexByte(place, ':')
	line, _ = strconv.Atoi(place[i+1:])
	return place[:i], line
}
