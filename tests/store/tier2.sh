# Some seconds of tests/store/tier2: Postgres under racing calls does what the
# store in memory does.
echo "1..1"
set -- --seed "${PERDURE_SEED-48}" --seconds "${TIER2_SECONDS-15}"
if tests/store/tier2 "$@" > tier2.log 2>&1; then
	case $(cat tier2.log) in
	*"# SKIP"*) echo "ok 1 # SKIP there is no Postgres" ;;
	*)
		sed 's/^/# /' tier2.log
		echo "ok 1 - racing_calls_are_explained_by_an_order"
		;;
	esac
else
	sed 's/^/# /' tier2.log
	echo "not ok 1 - racing_calls_are_explained_by_an_order"
fi
rm -f tier2.log
