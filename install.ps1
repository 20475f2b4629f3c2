# Installs p2p for one user of Windows, or brings it up to date:
#
#   irm https://github.com/OWNER_NAME/p2p/releases/latest/download/install.ps1 | iex
#
# Owns the same promise as install.sh: only a file whose SHA-256 is that of the release is put in place, whatever goes wrong
# before, the program that was there stays. Needs no administrator, asks nothing; the folder is put on the user's PATH. For
# PowerShell 5.1 and 7. Environment variables:
#   P2P_VERSION      the version wanted, as 0.1.0; by default the newest
#   P2P_INSTALL_DIR  the folder for the program; by default %LOCALAPPDATA%\Programs\p2p
#   P2P_BASE_URL     a folder with the files of a release, in place of GitHub
#   P2P_NO_PATH      set to 1, it leaves PATH as it is
#
# Everything is in functions, and the last line calls the first: half a script does nothing.

$P2pRepository = 'OWNER_NAME/p2p'

function Install-P2p {
    # Of this function and those that it calls alone: iex runs all this in the session of whoever asked for it.
    $ErrorActionPreference = 'Stop'
    # Drawing progress makes downloads many times slower in PowerShell 5.1.
    $ProgressPreference = 'SilentlyContinue'
    $temporary = $null
    try {
        $file = Get-P2pFileName
        $source = Get-P2pSource
        $folder = Get-P2pFolder
        $target = Join-Path $folder 'p2p.exe'
        Write-Host "p2p for Windows x64, from $source"

        # Windows runs only what is named like a program.
        $temporary = Join-Path $folder (".p2p-" + [Guid]::NewGuid().ToString('N') + '.exe')
        Receive-P2pFile "$source/SHA256SUMS" $temporary
        $checksum = Read-P2pChecksum $temporary $file "$source/SHA256SUMS"
        if ((Test-Path -LiteralPath $target -PathType Leaf) -and (Get-P2pSha256 $target) -eq $checksum) {
            Write-Host "$target is up to date"
        }
        else {
            Receive-P2pFile "$source/$file" $temporary
            $got = Get-P2pSha256 $temporary
            if ($got -ne $checksum) {
                throw "what came from $source/$file is not the file of the release (SHA-256 $got, wanted $checksum); nothing was installed"
            }
            $version = Get-P2pShownVersion $temporary $file
            Move-P2pIntoPlace $temporary $target
            Write-Host "installed $target, version $version"
        }
        Write-Host "its SHA-256 is that of the release; where it was built: gh attestation verify `"$target`" --repo $P2pRepository"
        Add-P2pToPath $folder
        return $true
    }
    catch {
        [Console]::Error.WriteLine('error: ' + $_.Exception.Message)
        return $false
    }
    finally {
        if ($temporary -and (Test-Path -LiteralPath $temporary)) {
            Remove-Item -LiteralPath $temporary -Force -ErrorAction SilentlyContinue
        }
    }
}

function Get-P2pFileName {
    if ($PSVersionTable.PSVersion.Major -ge 6 -and -not $IsWindows) {
        throw 'on Linux and macOS use install.sh'
    }
    # A PowerShell of 32 bits is told the machine's own processor by the second variable.
    $processor = $env:PROCESSOR_ARCHITEW6432
    if (-not $processor) { $processor = $env:PROCESSOR_ARCHITECTURE }
    # Windows 11 on ARM runs programs for Intel.
    if ($processor -ne 'AMD64' -and $processor -ne 'ARM64') {
        throw "there is no p2p for the processor $processor; there is one for AMD64"
    }
    return 'p2p-windows-x64.exe'
}

# The address of the folder that all files come from.
function Get-P2pSource {
    $version = "$env:P2P_VERSION" -replace '^v', ''
    if ($version -notmatch '^[0-9A-Za-z.+-]*$') {
        throw "P2P_VERSION is a version like 0.1.0, given: $env:P2P_VERSION"
    }
    $source = "https://github.com/$P2pRepository/releases/latest/download"
    if ($version) { $source = "https://github.com/$P2pRepository/releases/download/v$version" }
    if ($env:P2P_BASE_URL) { $source = $env:P2P_BASE_URL.TrimEnd('/') }
    if ($source -notmatch '^https?://') {
        throw "P2P_BASE_URL begins with https:// or http://, given: $env:P2P_BASE_URL"
    }
    if ($source -match '^http://' -and $source -notmatch '^http://(127\.0\.0\.1|localhost):') {
        Write-Warning "$source is not encrypted: whoever is in between can give you another program"
    }
    return $source
}

# It is there and can be written to afterwards.
function Get-P2pFolder {
    $folder = $env:P2P_INSTALL_DIR
    if (-not $folder) { $folder = Join-Path $env:LOCALAPPDATA 'Programs\p2p' }
    $folder = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($folder)
    try {
        New-Item -ItemType Directory -Path $folder -Force | Out-Null
        $trial = Join-Path $folder ('.p2p-' + [Guid]::NewGuid().ToString('N'))
        [IO.File]::WriteAllText($trial, '')
        [IO.File]::Delete($trial)
    }
    catch {
        throw "the folder $folder cannot be written to: set P2P_INSTALL_DIR to another one"
    }
    if (Test-Path -LiteralPath (Join-Path $folder 'p2p.exe') -PathType Container) {
        throw "$folder\p2p.exe is a folder: set P2P_INSTALL_DIR to another one than $folder"
    }
    return $folder
}

function Receive-P2pFile([string] $Url, [string] $Path) {
    # Windows PowerShell on older systems begins with what servers no longer take.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    try {
        Invoke-WebRequest -Uri $Url -OutFile $Path -UseBasicParsing
    }
    catch [IO.IOException] {
        # 0x80070070 and 0x80070027
        if ($_.Exception.HResult -eq -2147024784 -or $_.Exception.HResult -eq -2147024857) {
            throw "the disk of $Path is full; nothing was installed"
        }
        throw "$Url could not be fetched: $($_.Exception.Message); nothing was installed"
    }
    catch {
        throw "$Url could not be fetched: $($_.Exception.Message); nothing was installed"
    }
}

# What the release says of the file.
function Read-P2pChecksum([string] $Path, [string] $File, [string] $Url) {
    foreach ($line in [IO.File]::ReadAllLines($Path)) {
        if ($line -match '^([0-9a-f]{64}) [ *](.+)$' -and $Matches[2] -eq $File) { return $Matches[1] }
    }
    throw "$Url does not name ${File}: this release has no p2p for Windows"
}

function Get-P2pSha256([string] $Path) {
    return (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant()
}

# A program that does not start here takes no working one's place.
function Get-P2pShownVersion([string] $Path, [string] $File) {
    $shown = $null
    try { $shown = [string](& $Path --version) } catch { $shown = $null }
    if (-not $shown -or $LASTEXITCODE -ne 0) {
        throw "$File does not start on this machine, nothing was installed"
    }
    $wanted = "$env:P2P_VERSION" -replace '^v', ''
    # The first word of it; the commit is behind.
    if ($wanted -and ($shown.Trim() -split ' ')[0] -ne $wanted) {
        throw "version $wanted was wanted, the release has $shown; nothing was installed"
    }
    return $shown.Trim()
}

# Windows does not let a running program be overwritten, but be called otherwise: it goes on, and is removed the next time.
function Move-P2pIntoPlace([string] $From, [string] $To) {
    $folder = Split-Path -Parent $To
    Get-ChildItem -LiteralPath $folder -Filter 'p2p.exe.old-*' -Force |
        Remove-Item -Force -ErrorAction SilentlyContinue
    $old = $null
    if (Test-Path -LiteralPath $To) {
        $old = "$To.old-" + [Guid]::NewGuid().ToString('N')
        [IO.File]::Move($To, $old)
    }
    try {
        [IO.File]::Move($From, $To)
    }
    catch {
        if ($old) { [IO.File]::Move($old, $To) }
        throw
    }
    if ($old) { Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue }
}

function Add-P2pToPath([string] $Folder) {
    if ($env:P2P_NO_PATH -ne '1') {
        # As it is written: %USERPROFILE% and the like in it stay what they are.
        $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment', $true)
        try {
            $path = [string] $key.GetValue('Path', '', [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames)
            if (($path -split ';') -notcontains $Folder) {
                $new = (@($path.TrimEnd(';'), $Folder) | Where-Object { $_ }) -join ';'
                $key.SetValue('Path', $new, [Microsoft.Win32.RegistryValueKind]::ExpandString)
                # Tells programs that run that something has changed; the variable itself is gone again.
                [Environment]::SetEnvironmentVariable('P2P_INSTALLED', '1', 'User')
                [Environment]::SetEnvironmentVariable('P2P_INSTALLED', $null, 'User')
                Write-Host "$Folder is on your PATH from now on; windows that are open already do not know it"
            }
        }
        finally {
            $key.Dispose()
        }
    }
    if (($env:Path -split ';') -notcontains $Folder) { $env:Path = "$env:Path;$Folder" }
    $found = Get-Command p2p -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($found -and $found.Source -ne (Join-Path $Folder 'p2p.exe')) {
        Write-Warning "$($found.Source) comes first on your PATH"
    }
}

# From a pipe there is nothing to give an exit code to, and exit would close the window.
if (-not (Install-P2p) -and $PSCommandPath) { exit 1 }
