package control

// Choose is choose, for tests.
var Choose = choose
