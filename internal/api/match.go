package api

import (
	"errors"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Version is which version of something a write is meant for.
type Version int64

// The versions that are no numbers.
const (
	NoVersion       Version = 0  // it is not there yet
	WhateverVersion Version = -1 // and whether it is there
	SomeVersion     Version = -2 // it is there
)

// Match says in headers what a write is meant for.
type Match struct {
	IfMatch     string  `header:"If-Match" doc:"The ETag that was seen; absent: whatever there is now" example:"\"42\""`
	IfNoneMatch string  `header:"If-None-Match" doc:"'*' writes only what is not there yet" example:"*"`
	Wants       Version // as the headers say
}

// Resolve implements huma.Resolver.
func (m *Match) Resolve(huma.Context) (faults []error) {
	m.Wants = WhateverVersion
	switch {
	case m.IfMatch != "" && m.IfNoneMatch != "":
		faults = append(faults, &Fault{Location: "header.If-Match", Message: "there is an If-None-Match as well: one of them is possible"})
	case m.IfNoneMatch == "*":
		m.Wants = NoVersion
	case m.IfNoneMatch != "":
		faults = append(faults, &Fault{Location: "header.If-None-Match", Message: "expected '*'", Value: m.IfNoneMatch})
	case m.IfMatch == "*":
		m.Wants = SomeVersion
	case m.IfMatch != "":
		version, err := parseTag(m.IfMatch)
		if err != nil {
			faults = append(faults, &Fault{Location: "header.If-Match", Message: "expected an ETag as the server gave it, such as '\"42\"', or '*'", Value: m.IfMatch})
		}
		m.Wants = version
	}
	return faults
}

// tag writes a version as an ETag.
func (v Version) tag() string { return strconv.Quote(strconv.FormatInt(int64(v), 10)) }

func parseTag(tag string) (Version, error) {
	text, opened := strings.CutPrefix(tag, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	version, err := strconv.ParseUint(text, 10, 63)
	if !opened || !closed || version == 0 {
		err = errors.New("no version of ours")
	}
	return Version(version), err
}

// headers are those that say it.
func (v Version) headers() map[string]string {
	switch v {
	case WhateverVersion:
		return nil
	case NoVersion:
		return map[string]string{"If-None-Match": "*"}
	case SomeVersion:
		return map[string]string{"If-Match": "*"}
	}
	return map[string]string{"If-Match": v.tag()}
}
