package document_test

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// values are good ones of fields, beside their examples.
var values = map[string][]string{
	"target":  {"http://{origin}/", "192.0.2.1:53", "[2001:db8::1]:443", "{origin}", "{target}:8443", "https://{target}/x?y#z", "x.example.net", "{label}.example.net."},
	"name":    {"a", "b.example.org", "*.example.org", "fra"},
	"address": {"192.0.2.1", "192.0.2.2", "2001:db8::1"},
	"names":   {"c.example.org", "d.example.org"},
	"signal":  {"load", "connections", "requests", "error_ratio", "available_bandwidth", "hit_ratio"},
	"limit":   {"1Gbit", "5%", "100", "2.5", "1s"}, "recover": {"2Gbit", "1%", "80", "100ms"},
	"source": {"http://192.0.2.1/x", "/var/lib/x", "192.0.2.1:161"}, "map": {"varnish", "fastly"},
	"query": {"node_load1", `x{y="z"}`, "sum(rate(x[1m])) by (y)", "a.0.b"}, "every": {"15s", "10m"},
	"share": {"0%", "12.5%"}, "capacity": {"20Gbit"}, "warmup": {"http://{target}/a", "https://{target}/{name}"}, "https": {"alpn=h2", "port=8443"},
}

// free are fields that take nearly any text.
var free = map[string]bool{"body": true, "match": true, "json": true, "send": true, "value": true, "service": true, "query": true, "community": true}

// drawDocument draws a document that is good line by line.
func drawDocument(t *rapid.T) document.Document {
	doc, err := document.New(rapid.SampledFrom(site.ObjectKinds()).Draw(t, "kind"))
	if err != nil {
		t.Fatal(err)
	}
	drawFields(t, reflect.ValueOf(doc).Elem())
	doc.About().Kind = document.KindOf(doc)
	for i := range 100 {
		faults := document.Check(doc)
		if faults == nil {
			return doc
		}
		path := faults[0].Field
		if end := strings.IndexByte(path, ']'); end > 0 && i > 30 {
			path = path[:end+1]
		} else if end := strings.IndexByte(path, '.'); end > 0 && i > 60 {
			path = path[:end]
		}
		empty(t, reflect.ValueOf(doc).Elem(), path)
	}
	t.Fatalf("Expected a document that is good without what is wrong, got %v of %+v", document.Check(doc), doc)
	return nil
}

func drawFields(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || options == "" || rapid.IntRange(0, 2).Draw(t, name) == 0 {
			drawValue(t, v.Field(i), name, f.Tag)
		}
	}
}

func drawValue(t *rapid.T, v reflect.Value, name string, tag reflect.StructTag) {
	switch v.Kind() {
	case reflect.Struct:
		drawFields(t, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		drawValue(t, v.Elem(), name, tag)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(1, 3).Draw(t, name+"s"), 3))
		for i := range v.Len() {
			drawValue(t, v.Index(i), name, tag)
		}
	case reflect.Bool:
		v.SetBool(tag.Get("example") == "" || rapid.Bool().Draw(t, name))
	case reflect.Int:
		v.SetInt(rapid.Int64Range(-1, 400).Draw(t, name))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-1, 1e6).Draw(t, name))
	default:
		v.SetString(drawText(t, name, tag))
	}
}

func drawText(t *rapid.T, name string, tag reflect.StructTag) string {
	if free[name] && rapid.Bool().Draw(t, "free") {
		return rapid.OneOf(rapid.String(), rapid.StringMatching(`[ "\\#{}$%a'\n]{0,6}`)).Draw(t, name)
	}
	good := append(strings.Split(tag.Get("example"), ","), values[name]...)
	if enum := tag.Get("enum"); enum != "" {
		good = strings.Split(enum, ",")
	}
	return rapid.SampledFrom(good).Draw(t, name)
}

var step = regexp.MustCompile(`^\.?(?:(\w+)|\[(\d+)\])`)

// empty empties a field, drops an element of a list, or puts a name in its place that
// is one.
func empty(t *rapid.T, v reflect.Value, path string) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	part := step.FindStringSubmatch(path)
	rest := path[len(part[0]):]
	if part[2] != "" {
		i, _ := strconv.Atoi(part[2])
		if rest != "" {
			empty(t, v.Index(i), rest)
			return
		}
		v.Set(reflect.AppendSlice(v.Slice(0, i), v.Slice(i+1, v.Len())))
		return
	}
	f := fieldOf(v, part[1])
	switch {
	case !f.IsValid():
		t.Fatalf("Expected a field of that name: %s", path)
	case rest != "":
		empty(t, f, rest)
	case !f.IsZero():
		f.SetZero()
	case f.Kind() == reflect.Slice:
		f.Set(reflect.ValueOf([]string{"192.0.2.3"}))
	case f.Type() == reflect.TypeFor[*int]():
		f.Set(reflect.ValueOf(new(int)))
		f.Elem().SetInt(2)
	default:
		f.SetString(rapid.SampledFrom(append(values[part[1]], "x", "1s")).Draw(t, "instead of "+part[1]))
	}
}

// fieldOf returns the field that has a name in documents.
func fieldOf(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if own, _, _ := strings.Cut(f.Tag.Get("json"), ","); own == name {
			return v.Field(i)
		}
		if f.Anonymous {
			if found := fieldOf(v.Field(i), name); found.IsValid() {
				return found
			}
		}
	}
	return reflect.Value{}
}
