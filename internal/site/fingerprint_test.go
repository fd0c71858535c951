package site_test

import (
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"testing"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func targetOf(ask site.Ask) site.Target {
	return site.Target{Kind: "http", URL: "http://192.0.2.1:80/", Timeout: time.Second, Ask: unique.Make(ask)}
}

// fingerprinted is the environment variable that has the test below say what it gets.
const fingerprinted = "CDNREDIRECT_TEST_FINGERPRINT"

// TestFingerprintIsTheSameInAnotherProcess whatever that had in its memory before.
func TestFingerprintIsTheSameInAnotherProcess(t *testing.T) {
	if os.Getenv(fingerprinted) != "" {
		for code := 100; code < 400; code++ { // so that the memory differs
			site.ParseStatus(strconv.Itoa(code))
		}
	}
	own := strconv.FormatUint(targetOf(site.Ask{Status: site.DefaultStatus(), Method: "HEAD"}).Fingerprint(), 10)
	if file := os.Getenv(fingerprinted); file != "" {
		if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	file := t.TempDir() + "/says"
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), fingerprinted+"="+file)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if other, err := os.ReadFile(file); err != nil || string(other) != own {
		t.Errorf("Expected the fingerprint %s in another process, got %s %v", own, other, err)
	}
}

// TestFingerprintTellsAsksApart by each of their fields.
func TestFingerprintTellsAsksApart(t *testing.T) {
	seen := map[uint64]string{targetOf(site.Ask{}).Fingerprint(): "nothing"}
	for i := range reflect.TypeFor[site.Ask]().NumField() {
		var ask site.Ask
		field := reflect.ValueOf(&ask).Elem().Field(i)
		switch field.Kind() {
		case reflect.Bool:
			field.SetBool(true)
		case reflect.String:
			field.SetString("x")
		case reflect.Int, reflect.Int64:
			field.SetInt(1)
		case reflect.Uint16:
			field.SetUint(1)
		case reflect.Float64:
			field.SetFloat(1)
		default:
			ask.Status = site.DefaultStatus()
		}
		name, print := reflect.TypeFor[site.Ask]().Field(i).Name, targetOf(ask).Fingerprint()
		if other := seen[print]; other != "" {
			t.Errorf("Expected an ask with %s to differ from one with %s", name, other)
		}
		seen[print] = name
	}
}
