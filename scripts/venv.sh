#!/bin/sh
# Make the virtual environment DIR and install one hash-locked requirements file into it; the command
# DIR/bin/gopack runs the gopack of this source tree, from any folder.
#
#     scripts/venv.sh DIR REQUIREMENTS...
#
# PYTHON names the Python to use; otherwise the first of python3, python3.14, ... that is new enough.
# Debian and Ubuntu ship Python without ensurepip (package python3-venv): then the host's own pip
# fills the environment, and where there is none a message says what to install.
set -eu

venv=$1
shift

new_enough() {
	command -v "$1" >/dev/null 2>&1 &&
		"$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
	for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
		if new_enough "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	echo "gopack needs Python 3.11 or newer; looked for: ${PYTHON:-python3 python3.14 ... python3.11}." >&2
	echo "Install one, or name it: make run PYTHON=/path/to/python3.12" >&2
	exit 2
}

make_venv() {
	if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
		"$python" -m venv "$venv"
	elif "$python" -c 'import pip, venv' 2>/dev/null; then
		"$python" -m venv --without-pip "$venv"
	else
		version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
		echo "$python ($version) cannot make a virtual environment: it has no ensurepip and no pip." >&2
		echo "On Debian and Ubuntu: apt-get install python3-venv (or python$version-venv). Elsewhere" >&2
		echo "name a complete Python: make run PYTHON=/path/to/python3" >&2
		exit 2
	fi
}

pip_install() {
	if [ -e "$venv"/lib/python3*/site-packages/pip/__init__.py ]; then
		"$venv/bin/python" -m pip "$@"
	else
		"$python" -m pip --python "$venv/bin/python" "$@"
	fi
}

python=$(find_python)
new_enough "$venv/bin/python" || { rm -rf "$venv" && make_venv; }
for requirements in "$@"; do
	pip_install install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
done
source=$(cd "$(dirname "$0")/.." && pwd)
cat >"$venv/bin/gopack.new" <<END
#!/bin/sh
PYTHONPATH="$source\${PYTHONPATH:+:\$PYTHONPATH}" exec "$(cd "$venv/bin" && pwd)/python" -P -m gopack "\$@"
END
chmod +x "$venv/bin/gopack.new"
mv "$venv/bin/gopack.new" "$venv/bin/gopack"
