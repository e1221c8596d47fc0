#!/bin/sh
# Check the includes of every source against tests/layers.txt.  Writes TAP, one
# test for each folder.
top=${top_srcdir:-$(dirname "$0")/..}
cd "$top" || exit 1

find supervisor worker runtime-api -name '*.[ch]' | LC_ALL=C sort |
    xargs awk '
function allowed(who, folder, header,    i, n, word)
{
	if (who == folder)
		return 1
	n = split(may[who], word, " ")
	for (i = 1; i <= n; i++) {
		if (word[i] == folder || word[i] == header)
			return 1
		if (word[i] == "*" && folder != "worker")
			return 1
	}
	return 0
}

function library_allowed(rule, who, file,    i, n, word)
{
	n = split(library[rule], word, " ")
	for (i = 1; i <= n; i++)
		if (word[i] == who || word[i] == file)
			return 1
	return 0
}

function refuse(text)
{
	bad[who] = bad[who] "# " FILENAME ":" FNR ": " text "\n"
}

BEGIN {
	while ((getline line < "tests/layers.txt") > 0) {
		if (line ~ /^#/ || line !~ /:/)
			continue
		name = list = line
		sub(/:.*/, "", name)
		sub(/^[^:]*:/, "", list)
		if (name ~ /^</)
			library[substr(name, 2)] = list
		else {
			may[name] = list
			order[++folders] = name
		}
	}
	if (!folders) {
		print "Bail out! tests/layers.txt cannot be read"
		exit 1
	}
}

FNR == 1 {
	file = FILENAME
	sub(/^supervisor\//, "", file)
	who = file
	sub(/\/.*/, "", who)
	if (!(who in may)) {
		unknown[who] = 1
		may[who] = ""
	}
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	header = $0
	sub(/^[^"]*"/, "", header)
	sub(/".*/, "", header)
	if (header !~ /\//) {
		refuse("\"" header "\" has no folder")
		next
	}
	folder = header
	sub(/\/.*/, "", folder)
	if (!allowed(who, folder, header))
		refuse(who " may not use " header)
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	header = $0
	sub(/^[^<]*</, "", header)
	sub(/>.*/, "", header)
	for (rule in library)
		if (index(header, rule) == 1 && !library_allowed(rule, who, file))
			refuse(who " may not use <" header ">")
}

END {
	for (i = 1; i <= folders; i++) {
		who = order[i]
		if (bad[who] != "") {
			print "not ok " i " - includes of " who
			printf "%s", bad[who]
			failed = 1
		} else
			print "ok " i " - includes of " who
	}
	for (who in unknown) {
		print "not ok " i++ " - folder " who " is not in layers.txt"
		failed = 1
	}
	print "1.." i - 1
	exit failed
}'
