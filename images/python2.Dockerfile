# Comet on Python 2: releases 1.0.1 to 2.0.1.
ARG BASE
FROM ${BASE} AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PYTHONUSERBASE=/opt/comet PATH=/opt/comet/bin:/usr/local/bin:/usr/bin:/bin \
    PIP_USER=1 PIP_NO_CACHE_DIR=1 PIP_NO_WARN_SCRIPT_LOCATION=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_LOG=/build/pip.log
# What Comet needs, before its source: the engine keeps it for the next Comet. Of
# some there are sources only, which need what is installed first. pip says in
# its log only why it can't reach the registry (404: it has no such package).
COPY ca.crt build.lock.txt lock.txt constraints.txt /build/
RUN if [ -s /build/ca.crt ]; then export PIP_CERT=/build/ca.crt; fi; cd /build \
 && { python -m pip install --ignore-installed --require-hashes --requirement build.lock.txt \
   && python -m pip install --ignore-installed --no-build-isolation --require-hashes \
      --requirement build.lock.txt --requirement lock.txt \
   && if ! grep -q ^twisted== lock.txt; then python -m pip install --constraint constraints.txt twisted; fi; } \
 || { grep 'Could not fetch' pip.log | grep -v '404 Client'; exit 1; }
COPY . /build
# A source tree may need what isn't locked. Only then, pip looks for it.
RUN if [ -s /build/ca.crt ]; then export PIP_CERT=/build/ca.crt; fi; cd /build; : >pip.log; \
    export PYTHONPATH=/build/site; \
    { if grep -q -e --hash comet.txt; then \
      python -m pip install --no-build-isolation --require-hashes --no-deps --requirement comet.txt; \
      else python -m pip install --no-build-isolation --no-index --requirement comet.txt \
      || python -m pip install --constraint constraints.txt --requirement comet.txt; fi; } \
 || { grep 'Could not fetch' pip.log | grep -v '404 Client'; exit 1; }
# This stage is removed with what else its owner has made.
ARG OWNER=
LABEL cometbench.owner=$OWNER
# The certificates, the sources and pip's files stay behind.
FROM ${BASE}
ENV PYTHONUSERBASE=/opt/comet PATH=/opt/comet/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/comet /opt/comet
# Twisted caches its plugins beside them, which a read-only file system forbids
# later; and what doesn't start is better known now.
RUN twistd comet --help >/opt/comet/help
