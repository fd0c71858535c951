package redirect

import (
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newZap returns the logger that certmagic speaks to: what it warns of and what
// fails goes to ours, in a line each.
func newZap(log Logger) *zap.Logger {
	encoder := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "message"})
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(lines{log}), zapcore.WarnLevel))
}

type lines struct{ log Logger }

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) {
	l.log.Warningf("acme: %s", strings.Join(strings.Fields(string(p)), " "))
	return len(p), nil
}
