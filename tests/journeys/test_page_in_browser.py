"""The page in headless Chromium: it fits, it says nothing wrong, its controls work."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.pages import night as pages_night
from pipelines.score.layout import NightFolder
from tests.drawn.fake_night import CAT, DOG, HOSTILE_NAME, PERSON, RUN_DATE, FakeNight

_CHROMIUM = shutil.which("chromium")
_DRIVER = shutil.which("chromedriver")

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
if not (_CHROMIUM and _DRIVER):
    pytest.skip(
        "chromium and chromedriver are not installed (Debian: chromium-driver)",
        allow_module_level=True,
    )

from selenium.webdriver import Chrome, ChromeOptions  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PHOTOS = 45


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = ChromeOptions()
    options.binary_location = _CHROMIUM or ""
    profile = tmp_path_factory.mktemp("profile")
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(_DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night with everything: many photos, wide and tall ones, odd names, failures."""
    night = FakeNight(tmp_path_factory.mktemp("night"))
    for number in range(_PHOTOS - 3):
        night.add_photo(f"photo {number}.jpg", mean=3 + number / 12, class_id=CAT)
    night.add_photo("panorama.jpg", mean=6.1, class_id=DOG, size=(40, 900))
    night.add_photo("tower.jpg", mean=2.0, class_id=DOG, size=(700, 30))
    night.add_photo("x" * 120 + ".jpg", mean=9.0, class_id=PERSON)
    night.add_failure(HOSTILE_NAME, "corrupt", "<script>alert(1)</script>")
    night.add_failure("y" * 200 + ".jpg", "not-an-image")
    command = "fcn score --input " + "/a/very/long/path" * 20
    folder = NightFolder(night.write(command=command), RUN_DATE)
    return Path(pages_night.build(folder))


@pytest.fixture
def opened(driver: Any, page: Path) -> Any:
    """The page at 1280 pixels, in the light."""
    return open_page(driver, page)


def open_page(
    driver: Any, page: Path, *, width: int = 1280, scheme: str = "light"
) -> Any:
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {
            "width": width,
            "height": 900,
            "deviceScaleFactor": 1,
            "mobile": width < 500,
        },
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    driver.get(page.as_uri())
    return driver


def shown(driver: Any) -> list[str]:
    """Returns the names on the cards that can be seen, in their order."""
    return driver.execute_script(
        "return [...document.querySelectorAll('.card')]"
        ".filter((card) => card.offsetParent).map((card) => card.dataset.name)"
    )


def opacities(driver: Any) -> list[float]:
    return driver.execute_script(
        "return [...document.querySelectorAll('.mask')]"
        ".map((mask) => Number(getComputedStyle(mask).opacity))"
    )


def set_value(driver: Any, element: Any, value: object) -> None:
    driver.execute_script(
        "arguments[0].value = arguments[1];"
        "arguments[0].dispatchEvent(new Event('input', {bubbles: true}));",
        element,
        str(value),
    )


def severe_logs(driver: Any) -> list[dict[str, Any]]:
    return [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_fits_and_makes_no_error(
    driver: Any, page: Path, width: int, scheme: str
) -> None:
    open_page(driver, page, width=width, scheme=scheme)
    assert severe_logs(driver) == []
    assert driver.execute_script("return innerWidth") == width
    assert driver.execute_script(
        "const {scrollWidth, clientWidth} = document.documentElement;"
        "return scrollWidth <= clientWidth"
    )
    too_wide = driver.execute_script(
        "return [...document.querySelectorAll('main *')]"
        ".filter((e) => e.checkVisibility() && !e.closest('.unseen, h3'))"
        ".filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)"
        ".map((e) => e.outerHTML.slice(0, 80))"
    )
    assert too_wide == []
    broken = driver.execute_script(
        "return [...document.images].filter((i) => !i.naturalWidth).length"
    )
    assert broken == 0
    folder = os.environ.get("FCN_SCREENSHOTS")
    if folder:
        driver.save_screenshot(str(Path(folder) / f"page-{width}-{scheme}.png"))


def test_follows_the_colour_scheme(driver: Any, page: Path) -> None:
    brightness = []
    for scheme in ("light", "dark"):
        open_page(driver, page, scheme=scheme)
        colour = driver.execute_script(
            "return getComputedStyle(document.body).backgroundColor"
        )
        brightness.append(sum(map(int, colour.strip("rgb()").split(","))))
    assert brightness[0] > 600
    assert brightness[1] < 150


def test_one_slider_sets_all_masks_and_a_card_its_own(opened: Any) -> None:
    assert set(opacities(opened)) == {0.55}
    set_value(opened, opened.find_element(By.ID, "opacity"), 20)
    assert set(opacities(opened)) == {0.2}
    assert opened.find_element(By.ID, "opacity-value").text == "20%"
    own = opened.find_elements(By.CSS_SELECTOR, ".own input")
    assert {slider.get_attribute("value") for slider in own[:3]} == {"20"}
    set_value(opened, own[1], 100)
    assert opacities(opened)[:3] == [0.2, 1.0, 0.2]
    set_value(opened, opened.find_element(By.ID, "opacity"), 0)
    assert set(opacities(opened)) == {0.0}


def test_slider_obeys_the_keyboard(opened: Any) -> None:
    slider = opened.find_element(By.CSS_SELECTOR, ".own input")
    slider.send_keys(Keys.END)
    assert opacities(opened)[:2] == [1.0, 0.55]


def test_filters_by_class(opened: Any) -> None:
    choice = opened.find_element(By.ID, "class")
    set_value(opened, choice, DOG)
    assert shown(opened) == ["panorama.jpg", "tower.jpg"]
    assert opened.find_element(By.ID, "count").text == f"2 of {_PHOTOS} photos"
    button = opened.find_element(By.CSS_SELECTOR, f"[data-class='{DOG}']")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert choice.get_attribute("value") == ""
    opened.find_element(By.CSS_SELECTOR, f"[data-class='{PERSON}']").click()
    assert len(shown(opened)) == 1
    opened.find_element(By.ID, "all").click()
    assert opened.find_element(By.ID, "count").text == f"{_PHOTOS} photos"
    assert not opened.find_element(By.ID, "all").is_enabled()


def test_filters_by_score(opened: Any) -> None:
    set_value(opened, opened.find_element(By.ID, "lowest"), 6.1)
    set_value(opened, opened.find_element(By.ID, "highest"), "6.3")
    assert shown(opened) == ["photo 39.jpg", "photo 38.jpg", "panorama.jpg"]
    set_value(opened, opened.find_element(By.ID, "class"), PERSON)
    assert shown(opened) == []
    assert opened.find_element(By.ID, "nothing").is_displayed()


def test_a_bar_of_the_histogram_shows_its_photos(opened: Any) -> None:
    bar = next(
        bar
        for bar in opened.find_elements(By.CSS_SELECTOR, ".bar[tabindex]")
        if float(bar.get_attribute("data-low")) > 8
    )
    opened.execute_script("arguments[0].focus()", bar)
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    assert shown(opened) == ["x" * 120 + ".jpg"]
    assert bar.get_attribute("aria-pressed") == "true"
    bar.click()
    assert opened.find_element(By.ID, "count").text == f"{_PHOTOS} photos"


def test_sorts_and_shows_more(opened: Any) -> None:
    assert len(shown(opened)) == 40
    assert shown(opened)[0] == "x" * 120 + ".jpg"
    more = opened.find_element(By.ID, "more")
    assert more.text == "Show 5 more of 5"
    more.click()
    assert len(shown(opened)) == _PHOTOS
    assert not more.is_displayed()
    set_value(opened, opened.find_element(By.ID, "sort"), "worst")
    assert shown(opened)[:2] == ["tower.jpg", "photo 0.jpg"]
    set_value(opened, opened.find_element(By.ID, "sort"), "name")
    assert shown(opened)[1:4] == ["photo 0.jpg", "photo 1.jpg", "photo 2.jpg"]


def test_copies_the_command(opened: Any) -> None:
    button = opened.find_element(By.ID, "copy")
    button.click()
    selected = opened.execute_async_script(
        "const done = arguments[0];"
        "setTimeout(() => done(document.getElementById('copy').textContent), 200)"
    )
    assert selected in ("Copied", "Selected")
    assert severe_logs(opened) == []


def test_nothing_else_may_run_or_load(opened: Any) -> None:
    ran = opened.execute_async_script(
        "const done = arguments[0];"
        "window.ran = false;"
        "const script = document.createElement('script');"
        "script.textContent = 'window.ran = true';"
        "const image = new Image();"
        "image.onload = () => done('loaded');"
        "image.onerror = () => done(window.ran ? 'ran' : 'blocked');"
        "document.body.append(script);"
        "image.src = 'masks/any.png';"
    )
    assert ran == "blocked"
    messages = [entry["message"] for entry in severe_logs(opened)]
    assert sum("Content Security Policy" in message for message in messages) >= 2
