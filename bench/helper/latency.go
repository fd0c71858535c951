package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// latency asks a server COUNT questions of a file (NAME A, one a line, over and
// over), RATE of them a second whatever the answers, and prints the 99th
// percentile of the times to the answer in µs, and how many went unanswered.
// An unanswered question counts as the slowest.
func latency(address, file, rate, count string) error {
	perSecond, err := strconv.Atoi(rate)
	if err != nil {
		return err
	}
	total, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	questions, err := packed(file)
	if err != nil {
		return err
	}
	s, err := newSampler(address, questions)
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1) // no pause of ours may look like one of the server's
	if err := s.run(total, time.Second/time.Duration(perSecond)); err != nil {
		return err
	}
	lost := total - len(s.times)
	if index := total * 99 / 100; index < len(s.times) {
		slices.Sort(s.times)
		fmt.Printf("%.1f %d\n", float64(s.times[index].Nanoseconds())/1000, lost)
	} else {
		fmt.Printf("Inf %d\n", lost)
	}
	return nil
}

// packed returns the questions of a file, ready to send.
func packed(file string) ([][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var questions [][]byte
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, _, _ := strings.Cut(lines.Text(), " ")
		question := new(dns.Msg)
		question.SetQuestion(dns.Fqdn(name), dns.TypeA)
		wire, err := question.Pack()
		if err != nil {
			return nil, err
		}
		questions = append(questions, wire)
	}
	if len(questions) == 0 {
		return nil, fmt.Errorf("%s: no questions", file)
	}
	return questions, nil
}

// patience is how long the last answers are waited for. At any sane rate it is
// over before an ID is used again.
const patience = time.Second

// sampler sends and receives in one loop that never sleeps: it has its core to
// itself, and neither a timer nor a wake-up gets into the times.
type sampler struct {
	socket    syscall.RawConn
	questions [][]byte
	sent      [1 << 16]time.Time // by ID; zero: not waited for
	times     []time.Duration
	buffer    [512]byte
}

func newSampler(address string, questions [][]byte) (*sampler, error) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return nil, err
	}
	socket, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	return &sampler{socket: socket, questions: questions}, nil
}

// run sends total questions at that interval, and notes the time of each
// answer. After a delay of ours it goes on at the same pace: a burst to catch
// up would measure nothing but itself.
func (s *sampler) run(total int, interval time.Duration) error {
	s.times = make([]time.Duration, 0, total)
	due := time.Now()
	for sent := 0; len(s.times) < total; {
		now := time.Now()
		if sent < total && !now.Before(due) {
			if err := s.send(sent); err != nil {
				return err
			}
			sent++
			if due = due.Add(interval); due.Before(now) {
				due = now
			}
		} else if now.Sub(due) > patience {
			return nil
		}
		if err := s.receive(); err != nil {
			return err
		}
	}
	return nil
}

func (s *sampler) send(number int) error {
	id := uint16(number)
	question := s.questions[number%len(s.questions)]
	question[0], question[1] = byte(id>>8), byte(id)
	s.sent[id] = time.Now()
	var failed error
	err := s.socket.Write(func(fd uintptr) bool {
		_, failed = syscall.Write(int(fd), question)
		return true
	})
	return errors.Join(err, failed)
}

// receive takes one answer, if there is one.
func (s *sampler) receive() error {
	var n int
	var failed error
	err := s.socket.Read(func(fd uintptr) bool {
		n, failed = syscall.Read(int(fd), s.buffer[:])
		return true
	})
	switch {
	case errors.Is(failed, syscall.EAGAIN):
		return err
	case failed != nil || err != nil:
		return errors.Join(err, failed)
	case n < 4 || s.buffer[3]&0xf != dns.RcodeSuccess:
		return errors.New("not every answer was NOERROR")
	}
	id := uint16(s.buffer[0])<<8 | uint16(s.buffer[1])
	if !s.sent[id].IsZero() {
		s.times = append(s.times, time.Since(s.sent[id]))
		s.sent[id] = time.Time{}
	}
	return nil
}
