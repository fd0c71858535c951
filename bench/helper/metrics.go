package main

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
)

// metrics prints the lines of a series.
func metrics(address, series string) error {
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return fmt.Errorf("reading the metrics: %w", err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), series) {
			fmt.Println(lines.Text())
		}
	}
	return lines.Err()
}
