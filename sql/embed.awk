# Turn SQL files into C.
#
# mode=stmt_h, stmt_c: statements from sql/query/*.sql, each headed by a line
# `-- name: foo_bar`; comment lines are left out.  Gives `enum stmt` with
# STMT_FOO_BAR and stmt_texts[].
# A line `@piece` there stands for the lines behind `-- piece: piece` in any of
# the files, `@x.piece` for the same with x. in front of each name.
# mode=check_h, check_c: the same as `enum check` from sql/check/*.sql.
# mode=migrations_h, migrations_c: one entry for each sql/migrations/NNNN_x.sql,
# byte for byte.
#
# /dev/null comes first among the files, so that there may be none.

function fail(text)
{
	print FILENAME ":" FNR ": " text > "/dev/stderr"
	failed = 1
	exit 1
}

function quote(text)
{
	gsub(/\\/, "&&", text)
	gsub(/"/, "\\\"", text)
	gsub(/\t/, "\\t", text)
	gsub(/\?/, "\\?", text)		# no trigraphs
	return "\"" text "\\n\""
}

function close_stmt()
{
	if (open == 1 && !nlines[n])
		fail("statement " names[n] " is empty")
	if (open == 2 && !npieces[piece])
		fail("piece " piece " is empty")
	open = 0
}

# A line as C, with what it stands for.
function spell(line,    indent, name, prefix, i, text, part)
{
	if (line !~ /^[ \t]*@/)
		return "\n\t    " quote(line)
	match(line, /^[ \t]*@/)
	indent = substr(line, 1, RLENGTH - 1)
	line = substr(line, RLENGTH + 1)
	match(line, /^[a-z_.]*/)
	name = substr(line, 1, RLENGTH)
	line = substr(line, RLENGTH + 1)
	i = index(name, ".")
	prefix = substr(name, 1, i)
	name = substr(name, i + 1)
	if (!(name in npieces))
		fail("there is no piece " name)
	for (i = 1; i <= npieces[name]; i++) {
		part = pieces[name, i]
		if (prefix != "")
			gsub(/[a-z_0-9]+/, prefix "&", part)
		text = text spell(indent part \
		    (i == npieces[name] ? line : ""))
	}
	return text
}

BEGIN {
	is_stmt = mode ~ /^(stmt|check)_/
	noun = mode
	sub(/_.*/, "", noun)
}

FNR == 1 && FILENAME != "/dev/null" {
	if (is_stmt) {
		close_stmt()
	} else {
		base = FILENAME
		sub(/.*\//, "", base)
		if (base !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+\.sql$/)
			fail("migrations are named NNNN_noun.sql")
		sub(/\.sql$/, "", base)
		n++
		numbers[n] = substr(base, 1, 4) + 0
		names[n] = substr(base, 6)
		if (numbers[n] != n)
			fail("migration " n " is missing or out of order")
	}
}

is_stmt && /^-- name:/ {
	close_stmt()
	name = $3
	if (name !~ /^[a-z][a-z0-9_]*$/)
		fail("bad statement name")
	if (name in seen)
		fail("statement " name " is there twice")
	seen[name] = 1
	names[++n] = name
	open = 1
	next
}

is_stmt && /^-- piece:/ {
	close_stmt()
	piece = $3
	if (piece !~ /^[a-z][a-z_]*$/)
		fail("bad name of a piece")
	if (piece in npieces)
		fail("piece " piece " is there twice")
	npieces[piece] = 0
	open = 2
	next
}

is_stmt && /^[ \t]*(--.*)?$/ { next }

is_stmt && !open { fail("text outside a statement") }

is_stmt && open == 2 {
	pieces[piece, ++npieces[piece]] = $0
	next
}

is_stmt {
	stmt[n, ++nlines[n]] = $0
	next
}

{ lines[n] = lines[n] "\n\t    " quote($0) }

END {
	if (failed)
		exit 1
	if (is_stmt)
		close_stmt()
	for (i = 1; is_stmt && i <= n; i++)
		for (j = 1; j <= nlines[i]; j++)
			lines[i] = lines[i] spell(stmt[i, j])
	print "/* Made by sql/embed.awk; edit sql/ instead. */"
	if (is_stmt && mode ~ /_h$/) {
		upper = toupper(noun)
		print "#ifndef STORE_" upper "_GEN_H"
		print "#define STORE_" upper "_GEN_H\n"
		print "enum " noun " {"
		for (i = 1; i <= n; i++)
			print "\t" upper "_" toupper(names[i]) ","
		print "\t" upper "_COUNT\n};\n"
		print "struct " noun "_text {"
		print "\tconst char *name;\n\tconst char *text;\n};\n"
		print "extern const struct " noun "_text " noun "_texts[" \
		    upper "_COUNT + 1];"
		print "\n#endif"
	} else if (is_stmt) {
		print "#include <config.h>\n\n#include <stddef.h>\n"
		print "#include \"store/" noun "_gen.h\"\n"
		print "const struct " noun "_text " noun "_texts[" \
		    toupper(noun) "_COUNT + 1] = {"
		for (i = 1; i <= n; i++)
			print "\t{ \"" names[i] "\"," lines[i] " },"
		print "\t{ NULL, NULL }\n};"
	} else if (mode == "migrations_h") {
		print "#ifndef STORE_MIGRATIONS_GEN_H"
		print "#define STORE_MIGRATIONS_GEN_H\n"
		print "struct migration {\n\tint number;\n\tconst char *name;"
		print "\tconst char *text;\n};\n"
		print "/* In order; ends with number 0. */"
		print "extern const struct migration migrations[];\n\n#endif"
	} else if (mode == "migrations_c") {
		print "#include <config.h>\n\n#include <stddef.h>\n"
		print "#include \"store/migrations_gen.h\"\n"
		print "const struct migration migrations[] = {"
		for (i = 1; i <= n; i++)
			print "\t{ " numbers[i] ", \"" names[i] "\"," \
			    lines[i] " },"
		print "\t{ 0, NULL, NULL }\n};"
	} else {
		print "unknown mode " mode > "/dev/stderr"
		exit 1
	}
}
