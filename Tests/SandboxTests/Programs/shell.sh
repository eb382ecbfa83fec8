# SPDX-License-Identifier: Apache-2.0
# What scripts in functions commonly call: the shells, coreutils, git, tar, Perl.
set -eu
root=$(mktemp -d)
cd "$root"
id >/dev/null; uname -a >/dev/null; nproc >/dev/null; nice -n 1 true; date >/dev/null; df . >/dev/null; sleep 0.01
bash -c 'read -r x < <(echo 1); wait; ulimit -n; echo $x' >/dev/null
printf 'b\na\n' | sort | tee one | wc -l >/dev/null
cp -a one two; chown -h "$(id -u)" two; mv two three; ln three four; ln -s four five; chmod 600 three; touch -d yesterday three; truncate -s 10 three
mkdir -p d/e; mkfifo queue; cat three >/dev/null; head -c 4 /dev/urandom >six; dd if=six of=seven conv=fsync status=none; sync
tar -czf archive.tar.gz one three d; mkdir out; tar -xzf archive.tar.gz -C out; rm -r out
timeout 5 true; flock one true; stdbuf -o0 true; env -i true; realpath five >/dev/null; ls -la >/dev/null; find . -name one >/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b HOME=$root
git init -q repository; cd repository; echo x >x; git add x; git commit -qm x; git clone -q . ../clone; git log >/dev/null; git gc -q; cd ..
perl -e '$i = shmget(0, 9, 0600); shmwrite($i, "x", 0, 1); shmread($i, $b, 0, 1); shmctl($i, 0, 0);
  $s = semget(0, 1, 0600); semop($s, pack("s3", 0, 1, 0)); semctl($s, 0, 0, 0);
  $q = msgget(0, 0600); msgsnd($q, pack("l! a*", 1, "x"), 0); msgrcv($q, $b, 9, 0, 0); msgctl($q, 0, 0);
  $0 = "renamed"; $< = $<; $( = $(; select(undef, undef, undef, 0.01); open(F, "<", "one"); flock(F, 2)'
cd /
rm -rf "$root"
echo done
