# What is installed beside the programs, and the packages that CPack makes: relevo (the command line), relevo-agent and
# relevo-controller, each as a .deb and an .rpm. `cpack --config build/release/CPackConfig.cmake -G DEB` writes into build/packages.
set (deploy ${PROJECT_SOURCE_DIR}/deploy)
set (made ${PROJECT_BINARY_DIR}/packages)

install (TARGETS relevo RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT cli)
install (TARGETS relevo-agent RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT agent)
install (TARGETS relevod RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT controller)

# ---------------------------------------------------------------------------------------------- files beside the programs

# Where the programs are is known when they are installed: below /usr by packages, below /usr/local by hand.
function (install_unit component unit)
  install (CODE "
    set (sbin \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
    configure_file (\"${deploy}/systemd/${unit}.in\" \"${made}/${unit}\" @ONLY)
    file (INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\" TYPE FILE FILES \"${made}/${unit}\")"
    COMPONENT ${component})
endfunction ()
# Compressed as Debian wants it: the same bytes for the same file.
function (install_compressed component file destination name)
  install (CODE "
    execute_process (COMMAND gzip -9nc \"${file}\" OUTPUT_FILE \"${made}/${name}.gz\" COMMAND_ERROR_IS_FATAL ANY)
    file (INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${destination}\" TYPE FILE FILES \"${made}/${name}.gz\")"
    COMPONENT ${component} ${ARGN})
endfunction ()
function (install_manual component name)
  string (REGEX REPLACE ".*\\." "" section ${name})
  install_compressed (${component} ${deploy}/man/${name} ${CMAKE_INSTALL_MANDIR}/man${section} ${name})
endfunction ()

foreach (component agent controller)
  set (package relevo-${component})
  foreach (kind sysusers tmpfiles)
    install (FILES ${deploy}/systemd/${package}.${kind} DESTINATION lib/${kind}.d RENAME ${package}.conf COMPONENT ${component})
  endforeach ()
endforeach ()
install_unit (agent relevo-agent.service)
install_unit (controller relevod.service)
install_manual (cli relevo.1)
install_manual (cli relevo-plan.5)
install_manual (agent relevo-agent.8)
install_manual (agent agent.yaml.5)
install_manual (controller relevod.8)
install_manual (controller controller.yaml.5)
install (FILES ${deploy}/completions/relevo.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME relevo
  COMPONENT cli)
install (FILES ${deploy}/completions/_relevo DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT cli)
install (DIRECTORY ${deploy}/plans ${deploy}/products DESTINATION ${CMAKE_INSTALL_DATADIR}/relevo USE_SOURCE_PERMISSIONS COMPONENT cli)
install (FILES README.md proto/PROTOCOL.md proto/SECURITY.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/relevo COMPONENT cli)
install (FILES ${deploy}/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/relevo RENAME deploy.md COMPONENT cli)

# Only packages bring configuration: whoever installs by hand writes their own, and it is not written over.
install (FILES ${deploy}/packages/agent.yaml DESTINATION /etc/relevo COMPONENT agent EXCLUDE_FROM_ALL)
install (FILES ${deploy}/packages/controller.yaml.example DESTINATION /etc/relevo/controller COMPONENT controller EXCLUDE_FROM_ALL)

# ----------------------------------------------------------------------------------------------------------- all packages

file (STRINGS ${deploy}/packages/changelog newest LIMIT_COUNT 1)
if (NOT newest MATCHES "^relevo \\(${PROJECT_VERSION}-1\\)")
  message (FATAL_ERROR "deploy/packages/changelog begins with another version than ${PROJECT_VERSION}-1")
endif ()

set (CPACK_GENERATOR DEB)
set (CPACK_PACKAGE_DIRECTORY ${PROJECT_SOURCE_DIR}/build/packages)
set (CPACK_PACKAGE_VENDOR relevo)
set (CPACK_PACKAGE_CONTACT "relevo maintainers <maintainers@relevo.example>")
set (CPACK_PACKAGING_INSTALL_PREFIX /usr)
set (CPACK_STRIP_FILES ON)
set (CPACK_COMPONENTS_ALL agent cli controller)
set (CPACK_COMPONENTS_GROUPING IGNORE)
set (CPACK_DEB_COMPONENT_INSTALL ON)
set (CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set (CPACK_DEBIAN_PACKAGE_RELEASE 1)
set (CPACK_DEBIAN_PACKAGE_SECTION admin)
set (CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set (CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set (CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set (CPACK_RPM_COMPONENT_INSTALL ON)
set (CPACK_RPM_FILE_NAME RPM-DEFAULT)
set (CPACK_RPM_PACKAGE_RELEASE 1)
set (CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set (CPACK_RPM_PACKAGE_GROUP System/Management)
# Folders that belong to the distribution.
set (CPACK_PACKAGE_RELOCATABLE OFF)
set (CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/bin /usr/sbin /usr/lib/systemd /usr/lib/systemd/system /usr/lib/sysusers.d
  /usr/lib/tmpfiles.d /usr/share/doc /usr/share/lintian
  /usr/share/lintian/overrides /usr/share/man /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man8 /usr/share/bash-completion /usr/share/bash-completion/completions
  /usr/share/zsh /usr/share/zsh/vendor-completions)

# --------------------------------------------------------------------------------------------------------------- each one

# make_package COMPONENT NAME SUMMARY TEXT: names it, and gives it what each package has. In the caller's scope: CPack reads variables.
macro (make_package component name summary text)
  string (TOUPPER ${component} upper)
  set (CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${text}")
  set (CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set (CPACK_RPM_${upper}_PACKAGE_NAME ${name})
  set (CPACK_RPM_${upper}_PACKAGE_SUMMARY "${summary}")
  set (CPACK_RPM_${upper}_PACKAGE_DESCRIPTION "${text}")
  install_compressed (${component} ${deploy}/packages/changelog share/doc/${name} changelog.Debian EXCLUDE_FROM_ALL)
  install (FILES ${deploy}/packages/copyright DESTINATION share/doc/${name} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install (FILES ${deploy}/packages/deb/lintian-overrides DESTINATION share/lintian/overrides RENAME ${name} COMPONENT ${component}
    EXCLUDE_FROM_ALL)
endmacro ()

# make_service COMPONENT UNIT CONFFILE PURGED EMPTIED: scripts around the unit, and the one file that is the administrator's.
macro (make_service component unit_name conffile purged_paths emptied_paths)
  string (TOUPPER ${component} upper)
  set (package relevo-${component})
  set (unit ${unit_name})
  set (purged ${purged_paths})
  set (emptied ${emptied_paths})
  set (CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA ${made}/${component}/conffiles)
  file (WRITE ${made}/${component}/conffiles "${conffile}\n")
  foreach (script postinst prerm postrm)
    configure_file (${deploy}/packages/deb/${script}.in ${made}/${component}/${script} @ONLY
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    list (APPEND CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA ${made}/${component}/${script})
  endforeach ()
  foreach (script post preun postun)
    configure_file (${deploy}/packages/rpm/${script}.in ${made}/${component}/rpm-${script} @ONLY)
  endforeach ()
  set (CPACK_RPM_${upper}_POST_INSTALL_SCRIPT_FILE ${made}/${component}/rpm-post)
  set (CPACK_RPM_${upper}_PRE_UNINSTALL_SCRIPT_FILE ${made}/${component}/rpm-preun)
  set (CPACK_RPM_${upper}_POST_UNINSTALL_SCRIPT_FILE ${made}/${component}/rpm-postun)
  set (CPACK_RPM_${upper}_USER_FILELIST "%config(noreplace) ${conffile}")
  set (CPACK_RPM_${upper}_PACKAGE_REQUIRES systemd)
  set (CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
endmacro ()

make_package (cli relevo "continuous deployment that every host verifies itself - command line"
"relevo rolls out new versions to servers that cannot just be killed and
re-created. People build and sign release plans, start rollouts, watch them
and approve their steps with their own keys; every host verifies the whole
chain itself.
.
This package has the command line, example plans and product profiles, and
the documentation.")
make_package (agent relevo-agent "continuous deployment that every host verifies itself - agent of a host"
"relevo rolls out new versions to servers that cannot just be killed and
re-created.
.
This package has the agent, which runs on every host: it verifies plans,
permits and approvals, fetches, swaps and tests releases, and returns to the
version before where one fails. Its half that talks to the network has no
privileges.")
make_package (controller relevo-controller "continuous deployment that every host verifies itself - controller"
"relevo rolls out new versions to servers that cannot just be killed and
re-created.
.
This package has the controller, which publishes signed release plans to the
agents, opens each gate only when the one before is proven, and keeps the
history.")
make_service (agent relevo-agent.service /etc/relevo/agent.yaml /var/lib/relevo-agent "/etc/relevo /opt/relevo")
make_service (controller relevod.service /etc/relevo/controller/controller.yaml.example "/var/lib/relevo /etc/relevo/controller"
  /etc/relevo)
set (CPACK_DEBIAN_CLI_PACKAGE_SUGGESTS "minisign, openssh-client")
set (CPACK_DEBIAN_CONTROLLER_PACKAGE_RECOMMENDS "ca-certificates, relevo")

include (CPack)
