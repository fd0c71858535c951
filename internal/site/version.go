package site

// Version of cdnredirect, of the server and of cdnctl.
const Version = "0.1.0"
